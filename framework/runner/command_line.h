// The command line of mvn-runner.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "runner/command.h"

namespace mvn {

struct CommandLine {
  CommonOptions common;
  Action action;
  int run(std::ostream& out) const { return action(common, out); }
};

// `arguments` begins with the program's name. Throws UsageError.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

// Calls `use` with all commands and options, as they are defined, for what speaks of them.
void with_command_line(const std::function<void(const CLI::App& app)>& use);

}  // namespace mvn
