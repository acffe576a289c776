// The signals that the runner acts on, as something to poll.
#pragma once

#include <signal.h>

#include "orchestrate/process/pipe.h"

namespace mvn {

// What arrived since the last look.
struct ArrivedSignals {
  int interrupts = 0;    // SIGINT
  int terminations = 0;  // SIGTERM or SIGHUP
  bool pause = false;    // SIGUSR1
  bool resume = false;   // SIGUSR2
  bool child = false;    // SIGCHLD
  bool resized = false;  // SIGWINCH

  // What asks a single command to end.
  [[nodiscard]] int stops() const { return interrupts + terminations; }
};

// Blocks these signals and ignores SIGPIPE until destroyed. Started processes do not inherit
// either. What was ignored before stays so: SIGHUP as nohup has it, and a terminal's Ctrl-C as a
// shell has it for what it started in the background of a script; another program's SIGINT counts.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when a signal arrived.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  ArrivedSignals take();
  // Whether a SIGHUP has arrived, at any time.
  [[nodiscard]] bool hung_up() const { return hung_up_; }

 private:
  Descriptor descriptor_;
  bool hung_up_ = false;
  bool ignores_terminal_;
  sigset_t before_;
  void (*pipe_before_)(int);
};

}  // namespace mvn
