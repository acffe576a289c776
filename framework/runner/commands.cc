#include "runner/commands.h"

#include <unistd.h>

#include <iostream>

#include "common/json.h"
#include "orchestrate/answers/compare.h"
#include "orchestrate/sessions/rerun.h"
#include "orchestrate/sessions/session.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/rebuild.h"
#include "orchestrate/store/store.h"
#include "orchestrate/sweep/json_schema.h"
#include "orchestrate/workers/results_lock.h"
#include "orchestrate/workers/worker_program.h"
#include "runner/ask_runner.h"
#include "runner/import_gpt_neo.h"
#include "runner/import_wandb.h"
#include "runner/list_plugins.h"
#include "runner/merge.h"
#include "runner/new_plugin.h"
#include "runner/status.h"

namespace mvn {
namespace {

void plugins(const CommandLine& line, std::ostream& out) {
  Signals signals;
  const auto description = WorkerProgram(find_worker(), line.plugin_folders).describe(signals);
  if (line.json) {
    out << to_json(description).dump(2) << std::endl;
  } else {
    list_plugins(description, line.component, out);
  }
}

// To the file where one is named, whole or not at all.
void write_or_print(const std::string& text, const std::string& file, std::ostream& out) {
  if (file.empty()) {
    out << text << std::flush;
    return;
  }
  write_file_atomically(file, text);
  out << "wrote " << file << std::endl;
}

void schema(const CommandLine& line, std::ostream& out) {
  Signals signals;
  const auto installed = WorkerProgram(find_worker(), line.plugin_folders).describe(signals);
  write_or_print(sweep_schema(installed).dump(1) + "\n", line.output, out);
}

void query(const CommandLine& line, std::ostream& out) {
  const auto format = row_format(line.format);
  const auto database = database_path(line.results);
  if (line.sql.empty()) {
    list_views(database, out);
  } else {
    run_query(database, line.sql, {format, terminal_width(STDOUT_FILENO)}, out);
  }
}

void rebuild(const CommandLine& line, std::ostream& out) {
  if (!std::filesystem::is_directory(line.results)) {
    throw UsageError(line.results.string() + ": no such results folder; give one with --results");
  }
  const ResultsLock lock(line.results);
  const auto summary = rebuild_database(line.results);
  out << "made " << database_path(line.results).string() << " anew: " << summary.sweeps
      << " sweeps, " << summary.trials << " trials, " << summary.attempts << " attempts, "
      << summary.records << " records" << std::endl;
  if (!summary.kept.empty()) out << "the old one is " << summary.kept.string() << std::endl;
}

RunOptions run_options(const CommandLine& line) {
  return {line.sweep,          line.overrides,     line.results, line.workers,
          line.plugin_folders, line.rerun_changed, line.text};
}

}  // namespace

int run_command(const CommandLine& line, std::ostream& out) {
  switch (line.command) {
    case Command::kRun:
      return run_sweep(run_options(line), out);
    case Command::kPlan:
      preview_sweep(run_options(line), row_format(line.format), out);
      break;
    case Command::kRerun:
      return rerun_trial({line.trial, line.results, line.plugin_folders, line.verify, line.keep,
                          line.tolerance, line.run_command},
                         out);
    case Command::kPlugins:
      plugins(line, out);
      break;
    case Command::kSchema:
      schema(line, out);
      break;
    case Command::kQuery:
      query(line, out);
      break;
    case Command::kCompare:
      compare_arms(database_path(line.results), line.compare, compare_format(line.format), out,
                   terminal_width(STDOUT_FILENO));
      break;
    case Command::kCollect:
      rebuild(line, out);
      break;
    case Command::kStatus:
      show_status(line.results, out);
      break;
    case Command::kAsk:
      ask_runner(line.results, line.request, out);
      break;
    case Command::kNewPlugin:
      write_plugin(line.plugin, std::filesystem::current_path(), out);
      break;
    case Command::kImport:
      if (line.import_format == "wandb") {
        write_wandb(line.import, {line.program, line.output}, out, std::cerr);
      } else {
        write_gpt_neo(line.import, std::filesystem::current_path(), out);
      }
      break;
    case Command::kMerge:
      merge(line, out);
      break;
    case Command::kHelp:
      out << line.help << std::flush;
      break;
    case Command::kVersion:
      out << "mvn-runner " << MVN_VERSION << std::endl;
      break;
  }
  return 0;
}

}  // namespace mvn
