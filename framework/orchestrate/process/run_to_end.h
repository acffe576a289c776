// Runs a command to its end: describe, check, and what prepares data.
#pragma once

#include <functional>
#include <string>

#include "mvn/error.h"
#include "orchestrate/process/process.h"
#include "orchestrate/process/signals.h"

namespace mvn {

// The user stopped the runner (Ctrl-C).
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
  ~Interrupted() override;
  [[nodiscard]] int exit_code() const noexcept override { return 130; }
};

struct CommandResult {
  ProcessEnd end;
  std::string output;
  std::string errors;
};

// How long a command may take, in seconds.
struct Patience {
  double grace = 5;  // to end once it is asked to
  double limit = 0;  // in all; 0: as long as it likes
};

// Gets each line of the standard output as it comes, which is then no part of the result.
using TakeLine = std::function<void(const std::string& line)>;

// Gives the command `input` and returns what it wrote. A stop signal ends the command (SIGTERM, the
// second time or after the grace SIGKILL) and throws Interrupted once it is gone. Throws Error
// where it was killed because it took longer than the limit.
CommandResult run_to_end(const ProcessSpec& spec, const std::string& input, Signals& signals,
                         const Patience& patience = {}, const TakeLine& take_line = {});

}  // namespace mvn
