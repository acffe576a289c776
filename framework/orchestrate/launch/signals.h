// The signals that the runner acts on, as something to poll.
#pragma once

#include <signal.h>

#include "orchestrate/launch/pipe.h"

namespace mvn {

// What arrived since the last look.
struct ArrivedSignals {
  int stops = 0;         // SIGINT, SIGTERM or SIGHUP
  bool child = false;    // SIGCHLD
  bool resized = false;  // SIGWINCH
};

// Blocks SIGINT, SIGTERM, SIGHUP, SIGCHLD and SIGWINCH and ignores SIGPIPE until destroyed. Started
// processes do not inherit either.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable when a signal arrived.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  ArrivedSignals take();

 private:
  Descriptor descriptor_;
  sigset_t before_;
  void (*pipe_before_)(int);
};

}  // namespace mvn
