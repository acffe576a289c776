// What each command of mvn-runner does.
#pragma once

#include <ostream>

#include "runner/command_line.h"

namespace mvn {

// Runs the command, printing to `out`; returns the exit code. Throws mvn::Error.
int run_command(const CommandLine& line, std::ostream& out);

}  // namespace mvn
