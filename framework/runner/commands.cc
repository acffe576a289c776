#include "runner/commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "common/json.h"
#include "common/text.h"
#include "orchestrate/sessions/rerun.h"
#include "orchestrate/sessions/session.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/rebuild.h"
#include "orchestrate/store/store.h"
#include "orchestrate/sweep/json_schema.h"
#include "orchestrate/workers/results_lock.h"
#include "orchestrate/workers/worker_program.h"
#include "runner/ask_runner.h"
#include "runner/import/gpt_neo.h"
#include "runner/import/wandb.h"
#include "runner/list_plugins.h"
#include "runner/merge.h"
#include "runner/new_plugin.h"
#include "runner/status.h"

namespace mvn {
namespace {

// CLI11's own validators name the largest number that there is, with all its digits.
CLI::Validator number_of_at_least(double least) {
  const auto wanted = [least](const std::string& text) {
    double number = 0;
    const bool fits = CLI::detail::lexical_cast(text, number) && number >= least;
    return fits ? std::string()
                : "must be a number of at least " + short_number(least) + ", got " + text;
  };
  return {wanted, "", ""};
}

int plugins(const CommandLine& line, std::ostream& out) {
  Signals signals;
  const auto description = WorkerProgram(find_worker(), line.plugin_folders()).describe(signals);
  if (line.json) {
    out << to_json(description).dump(2) << std::endl;
  } else {
    list_plugins(description, line.component, out);
  }
  return 0;
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

int schema(const CommandLine& line, std::ostream& out) {
  Signals signals;
  const auto installed = WorkerProgram(find_worker(), line.plugin_folders()).describe(signals);
  write_or_print(sweep_schema(installed).dump(1) + "\n", line.output, out);
  return 0;
}

int query(const CommandLine& line, std::ostream& out) {
  const auto format = row_format(line.format);
  const auto database = database_path(line.results);
  if (line.sql.empty()) {
    list_views(database, out);
  } else {
    run_query(database, line.sql, {format, terminal_width(STDOUT_FILENO)}, out);
  }
  return 0;
}

int rebuild(const CommandLine& line, std::ostream& out) {
  if (!std::filesystem::is_directory(line.results)) {
    throw UsageError(line.results.string() + ": no such results folder; give one with --results");
  }
  const ResultsLock lock(line.results);
  const auto summary = rebuild_database(line.results);
  out << "made " << database_path(line.results).string() << " anew: " << summary.sweeps
      << " sweeps, " << summary.trials << " trials, " << summary.attempts << " attempts, "
      << summary.records << " records" << std::endl;
  if (!summary.kept.empty()) out << "the old one is " << summary.kept.string() << std::endl;
  return 0;
}

int import(const CommandLine& line, std::ostream& out) {
  if (line.import_format == "wandb") {
    write_wandb(line.file, {line.program, line.output}, out, std::cerr);
  } else {
    write_gpt_neo(line.file, std::filesystem::current_path(), out);
  }
  return 0;
}

RunOptions run_options(const CommandLine& line) {
  return {line.sweep,
          line.overrides,
          line.results,
          line.workers,
          line.plugin_folders(),
          line.rerun_changed,
          line.text,
          log_level(line.log_level),
          line.verbose};
}

CommandRow run_row() {
  return {
      .name = kRun,
      .examples = {{"experiments/quickstart.yaml", "run a sweep, or what is left of it"},
                   {"sweep.yaml training.epochs=1", "change a value"}},
      .takes_sweep = true,
      .options =
          [](CLI::App& app, CommandLine& line) {
            app.add_option("sweep", line.words,
                           "Sweep to run; KEY=VALUE after it sets a value, as --set does")
                ->type_name("SWEEP.yaml [KEY=VALUE]");
            add_repeated(app, "--set", line.overrides,
                         "Set a value of the sweep, as in --set task.train=data.tsv", "KEY=VALUE");
            app.add_option("--workers", line.workers, "Trials at a time")
                ->type_name("N")
                ->check(number_of_at_least(1));
            app.add_flag("--rerun-changed", line.rerun_changed,
                         "Train trials again, from scratch, whose plugin or data has changed "
                         "since");
            app.add_flag("--dry-run", line.dry_run, "Start nothing: the same as 'mvn-runner plan'");
            app.add_option("--log-level", line.log_level,
                           "Of results/SWEEP/runner.log: debug, info, warning, error (info)")
                ->type_name("LEVEL")
                ->check(CLI::IsMember(log_level_names()));
            app.add_flag("-v,--verbose", line.verbose, "Say each step on standard error, too");
          },
      .run = [](const CommandLine& line,
                std::ostream& out) { return run_sweep(run_options(line), out); }};
}

CommandRow plan_row() {
  return {.name = "plan",
          .help = "Show the trials, what is left, and what that will take",
          .examples = {{"plan sweep.yaml", "its trials, what is left, what that takes"}},
          .takes_sweep = true,
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("sweep", line.words,
                               "Sweep to plan; KEY=VALUE and --workers as in a run")
                    ->type_name("SWEEP.yaml [KEY=VALUE]")
                    ->required();
                app.add_option("--format", line.format, "table or json (table)")
                    ->type_name("FORMAT")
                    ->check(CLI::IsMember({"table", "json"}));
              },
          .run =
              [](const CommandLine& line, std::ostream& out) {
                preview_sweep(run_options(line), row_format(line.format), out);
                return 0;
              }};
}

CommandRow rerun_row() {
  return {.name = "rerun",
          .help = "Train a trial again, from scratch, in its place",
          .examples = {{"rerun 3f2a --verify", "train it again: are the results the same?"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("trial", line.trial, "The beginning of its id")
                    ->type_name("TRIAL")
                    ->required();
                app.add_flag("--verify", line.verify,
                             "In a folder of its own; then compare: is it the same to the last "
                             "bit?");
                app.add_option("--tolerance", line.tolerance,
                               "Relative difference of two metrics that --verify lets pass (1e-5)")
                    ->type_name("R")
                    ->check(number_of_at_least(0));
                app.add_flag("--keep", line.keep, "Keep what --verify wrote");
                app.add_flag("--run-command", line.run_command,
                             "Run the trial's own program though no sweep file of yours names it");
              },
          .run =
              [](const CommandLine& line, std::ostream& out) {
                return rerun_trial({line.trial, line.results, line.plugin_folders(), line.verify,
                                    line.keep, line.tolerance, line.run_command},
                                   out);
              }};
}

CommandRow plugins_row() {
  return {.name = "plugins",
          .help = "List plugins and their parameters",
          .examples = {{"plugins lora", "the parameters of a plugin"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("name", line.component, "Only the components of this name")
                    ->type_name("NAME");
                app.add_flag("--json", line.json, "As JSON");
              },
          .run = plugins};
}

CommandRow schema_row() {
  return {.name = "schema",
          .help = "Write a JSON Schema of the sweep file, for completion in an editor",
          .examples = {{"schema --output sweep.schema.json",
                        "what editors complete and check sweeps by"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("--output", line.output, "File to write (standard output)")
                    ->type_name("FILE");
              },
          .run = schema};
}

CommandRow query_row() {
  return {.name = "query",
          .help = "Ask the results in SQL, read-only",
          .examples = {{"query \"SELECT * FROM group_stats\"", "mean and interval over the seeds"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("sql", line.sql, "One SELECT; without it, what there is to ask")
                    ->type_name("SQL");
                app.add_option("--format", line.format, "table, csv or json (table)")
                    ->type_name("FORMAT");
              },
          .run = query};
}

CommandRow collect_row() {
  return {.name = "collect",
          .help = "Make results.db anew from the trials' spools",
          .examples = {{"collect --rebuild", "after results.db was damaged or lost"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_flag("--rebuild", line.rebuild, "Replace the database")->required();
              },
          .run = rebuild};
}

CommandRow status_row() {
  return {.name = "status",
          .help = "Show where the sweeps of a results folder stand",
          .examples = {{"status", "from another terminal: where the sweeps stand"}},
          .run = [](const CommandLine& line, std::ostream& out) {
            show_status(line.results, out);
            return 0;
          }};
}

CommandRow request_row(const std::string& request) {
  CommandRow row{.name = request,
                 .help = request_help(request),
                 .run = [request](const CommandLine& line, std::ostream& out) {
                   ask_runner(line.results, request, out);
                   return 0;
                 }};
  if (request == "pause") row.examples = {{"pause", "no new trials until mvn-runner resume"}};
  return row;
}

CommandRow new_plugin_row() {
  return {.name = "new-plugin",
          .help = "Write a plugin's skeleton that builds",
          .examples = {{"new-plugin rwkv", "a folder to start a plugin of your own from"}},
          .options =
              [](CLI::App& app, CommandLine& line) {
                app.add_option("name", line.plugin, "Its name, and its folder's")
                    ->required()
                    ->type_name("NAME");
              },
          .run =
              [](const CommandLine& line, std::ostream& out) {
                write_plugin(line.plugin, std::filesystem::current_path(), out);
                return 0;
              }};
}

CommandRow import_row() {
  return {
      .name = "import",
      .help = "Turn another program's file into a sweep or recipe",
      .examples = {{"import wandb sweep.yaml", "a W&B sweep file as one of mvn-runner"},
                   {"import gpt-neo gpt3_XL_256_Pile.json",
                    "a recipe from another trainer's file"}},
      .options =
          [](CLI::App& app, CommandLine& line) {
            app.add_option("format", line.import_format,
                           "wandb: a sweep file of W&B; gpt-neo: a JSON file of "
                           "EleutherAI/gpt-neo")
                ->required()
                ->type_name("FORMAT")
                ->check(CLI::IsMember({"gpt-neo", "wandb"}));
            app.add_option("file", line.file, "The file to read")->required()->type_name("FILE");
            app.add_option("--output", line.output,
                           "wandb: the sweep file to write (standard output)")
                ->type_name("SWEEP.yaml");
            app.add_option("--program", line.program, "wandb: the program to run (the file's)")
                ->type_name("FILE");
          },
      .check =
          [](const CommandLine& line) {
            if (line.import_format != "gpt-neo") return;
            if (line.output.empty() && line.program.empty()) return;
            throw UsageError("import gpt-neo writes two files, named after FILE, and takes no " +
                             std::string(line.output.empty() ? "--program" : "--output"));
          },
      .run = import};
}

CommandRow merge_row() {
  return {
      .name = "merge",
      .help = "Make one model of a trained adapter and its base",
      .examples = {{"merge 3f2a --output merged", "a trial's adapter and base as one model"}},
      .options =
          [](CLI::App& app, CommandLine& line) {
            app.add_option("trial", line.trial, "Trial whose adapter it is, or --adapter")
                ->type_name("TRIAL");
            app.add_option("--adapter", line.adapter, "Folder of a PEFT adapter")->type_name("DIR");
            app.add_option("--model", line.model,
                           "Folder of the base model (the one that was trained)")
                ->type_name("DIR");
            app.add_option("--output", line.output, "New folder to write")
                ->type_name("DIR")
                ->required();
            app.add_option("--dtype", line.dtype, "float32, bfloat16 or float16 (the base's)")
                ->type_name("TYPE");
            app.add_option("--plugin", line.plugin, "Model plugin (by the base's model_type)")
                ->type_name("NAME");
          },
      .check =
          [](const CommandLine& line) {
            if (line.trial.empty() != line.adapter.empty()) return;
            throw UsageError(
                "merge takes a trial or --adapter, one of the two; see "
                "mvn-runner merge --help");
          },
      .run =
          [](const CommandLine& line, std::ostream& out) {
            merge(line, out);
            return 0;
          }};
}

std::vector<CommandRow> make_table() {
  std::vector<CommandRow> table = {run_row(),    plan_row(),  rerun_row(),   plugins_row(),
                                   schema_row(), query_row(), collect_row(), status_row()};
  for (const auto& request : runner_requests()) table.push_back(request_row(request));
  for (const auto& row : {new_plugin_row(), import_row(), merge_row()}) table.push_back(row);
  return table;
}

}  // namespace

const std::vector<CommandRow>& command_table() {
  static const std::vector<CommandRow> table = make_table();
  return table;
}

const CommandRow* find_command(const std::string& name) {
  const auto& table = command_table();
  const auto found = std::ranges::find(table, name, &CommandRow::name);
  return found == table.end() ? nullptr : &*found;
}

void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                  const std::string& help, const std::string& shape) {
  // One value each time: `--set a=b sweep.yaml` must not take the file for a second one.
  app.add_option(name, values, help)->allow_extra_args(false)->type_name(shape);
}

int run_command(const CommandLine& line, std::ostream& out) {
  if (line.command == "version") {
    out << "mvn-runner " << MVN_VERSION << std::endl;
    return 0;
  }
  const CommandRow* row = find_command(line.command);
  if (row == nullptr) {
    out << line.help << std::flush;
    return 0;
  }
  return row->run(line, out);
}

}  // namespace mvn
