// The persistent worker: trials in on stdin, results out on stdout.
#pragma once

#include <atomic>

#include "train/host/plugin_host.h"

namespace mvn {

// Set by SIGTERM and SIGINT once handle_signals() was called; a second signal ends the process.
extern std::atomic<bool> stop_requested;
void handle_signals();

// Reads lines {"trial": "/abs/trial.json"} from stdin, runs each trial with file descriptors 1 and
// 2 pointing at log.txt beside it, and answers {"trial": "...", "code": 0, "message": ""} on the
// original stdout. A line {"checkpoint": "/abs/trial.json"} ends that trial at a checkpoint, as a
// signal does, and leaves the process as it is; where the trial has ended it means nothing. Returns
// the exit code of the process: 0 at the end of the input or at a signal between trials, else that
// of the trial that leaves a process in doubt (not done, bad configuration, diverged or bad data).
int serve(const PluginHost& host);

}  // namespace mvn
