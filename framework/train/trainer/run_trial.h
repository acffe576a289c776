// One trial from its file to its last record.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "train/host/plugin_host.h"
#include "train/trainer/experiment.h"

namespace mvn {

struct TrialEnd {
  int code = 0;                // of mvn/error.h, or 1
  std::string message;         // one line; "" for 0
  bool spoils_worker = false;  // whatever the code, the process can run no other trial
};

// Runs the trial of `trial_file`, from its newest checkpoint where there is one. Never throws:
// whatever happens is in the result and in the spool's "end" record. A trial that is done already
// is not run again. `warm` is what the trials before it left. `stop` as in Trainer.
TrialEnd run_trial(const std::filesystem::path& trial_file, const PluginHost& host, Warm& warm,
                   const std::atomic<bool>& stop) noexcept;

// How a worker ends that caught `error`.
TrialEnd end_of(const std::exception_ptr& error);

}  // namespace mvn
