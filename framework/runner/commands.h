// What each command of mvn-runner is called, takes and does: one row of a table each.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "runner/command_line.h"

namespace CLI {
class App;
}

namespace mvn {

// The row of a sweep's run, which needs no name: `mvn-runner sweep.yaml`.
inline constexpr const char* kRun = "run";

struct CommandRow {
  std::string name;
  std::string help = {};  // one line
  // What to type after "mvn-runner", and what that does.
  std::vector<std::pair<std::string, std::string>> examples = {};
  bool takes_sweep = false;  // its words are a sweep file and KEY=VALUE
  std::function<void(CLI::App& app, CommandLine& line)> options = {};
  std::function<void(const CommandLine& line)> check = {};  // throws UsageError
  // Prints to `out` and returns the exit code. Throws mvn::Error.
  std::function<int(const CommandLine& line, std::ostream& out)> run = {};
};

const std::vector<CommandRow>& command_table();
// Null where there is none of this name.
const CommandRow* find_command(const std::string& name);

// `app` takes the option again and again, one value each time.
void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& shape);

// Runs the command, printing to `out`; returns the exit code. Throws mvn::Error.
int run_command(const CommandLine& line, std::ostream& out);

}  // namespace mvn
