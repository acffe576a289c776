// The commands of mvn-runner: a row each, a file for those that belong together.
#pragma once

#include <string>
#include <vector>

#include "runner/command.h"

namespace mvn {

// The row of a sweep's run, which needs no name: `mvn-runner sweep.yaml`.
inline constexpr const char* kRun = "run";

// Those of mvn-runner itself that say how a sweep is run.
void add_run_options(CLI::App& app, CommonOptions& common);

// Each file's rows. The table has them in the order in which --help shows them.
std::vector<CommandRow> sweep_commands();     // run, plan, rerun, status, pause ...
std::vector<CommandRow> answer_commands();    // query, compare, collect
std::vector<CommandRow> page_commands();      // report, ui, show, top, curve
std::vector<CommandRow> export_commands();    // export
std::vector<CommandRow> database_commands();  // artifacts, gc, remove, db
std::vector<CommandRow> plugin_commands();    // examples, plugins, schema, new-plugin
std::vector<CommandRow> hub_commands();       // fetch
std::vector<CommandRow> exchange_commands();  // import, merge, embed
std::vector<CommandRow> shell_commands();     // completion, man

const std::vector<CommandRow>& command_table();
// Null where there is none of this name.
const CommandRow* find_command(const std::string& name);

}  // namespace mvn
