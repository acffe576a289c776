// run, plan, rerun, status, and what a running sweep can be asked.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "common/text.h"
#include "mvn/nearest.h"
#include "orchestrate/sessions/rerun.h"
#include "orchestrate/sessions/session.h"
#include "orchestrate/sessions/submit.h"
#include "runner/ask_runner.h"
#include "runner/commands/commands.h"
#include "runner/status.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

bool is_override(const std::string& word) {
  const auto equals = word.find('=');
  return equals != 0 && equals != std::string::npos && word[0] != '-';
}

// `mvn-runner sweep.yaml training.epochs=1`: the first of the words that is no KEY=VALUE, or names
// a file, is the sweep. The others are added to `overrides`.
fs::path take_sweep(std::vector<std::string> words, std::vector<std::string>& overrides) {
  const auto found = std::ranges::find_if(words, [](const std::string& word) {
    return !is_override(word) || fs::is_regular_file(word);
  });
  if (found == words.end()) {
    throw UsageError("which sweep? Give its file before '" + words[0] + "'; see mvn-runner --help");
  }
  fs::path sweep = *found;
  words.erase(found);
  for (const auto& word : words) {
    if (!is_override(word)) refuse_word(word);
    overrides.push_back(word);
  }
  return sweep;
}

// Sweep files that a name may have meant.
std::vector<std::string> sweep_files_near(const fs::path& sweep) {
  std::vector<std::string> known;
  const auto folder = sweep.has_parent_path() ? sweep.parent_path() : fs::path(".");
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto extension = entry.path().extension();
    if (extension != ".yaml" && extension != ".yml") continue;
    known.push_back(sweep.has_parent_path() ? entry.path().string()
                                            : entry.path().filename().string());
  }
  return known;
}

// A first word that is neither a file nor a command: which of the two was meant?
void check_sweep_exists(const fs::path& sweep) {
  if (fs::exists(sweep)) return;
  const bool may_be_command = !sweep.has_parent_path() && !sweep.has_extension();
  std::vector<std::string> commands;
  for (const CommandRow& row : command_table()) {
    if (row.name != kRun) commands.push_back(row.name);
  }
  const auto command = may_be_command ? nearest_name(sweep.string(), commands) : "";
  const auto file = nearest_name(sweep.string(), sweep_files_near(sweep));
  std::string meant;
  if (!command.empty()) meant = "the command '" + command + "'";
  if (!file.empty()) meant += (meant.empty() ? "" : " or ") + ("the file '" + file + "'");
  throw UsageError("no sweep file '" + sweep.string() + "'" +
                   (may_be_command ? " and no command of that name" : "") +
                   (meant.empty() ? "; see mvn-runner --help" : "; did you mean " + meant + "?"));
}

void check_overrides(const std::vector<std::string>& overrides) {
  for (const auto& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("--set takes KEY=VALUE, as in --set training.epochs=1, not '" + text + "'");
    }
  }
}

RunOptions run_options(const std::vector<std::string>& words, const CommonOptions& common) {
  auto overrides = common.overrides;
  const auto sweep = take_sweep(words, overrides);
  check_sweep_exists(sweep);
  check_overrides(overrides);
  return {sweep,
          overrides,
          common.results,
          common.workers,
          common.plugin_folders(),
          common.rerun_changed,
          common.text,
          log_level(common.log_level),
          common.verbose};
}

Action define_run(CLI::App& app) {
  const auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("sweep", *words, "Sweep to run; KEY=VALUE after it sets a value, as --set does")
      ->type_name("SWEEP.yaml [KEY=VALUE]");
  return [words](const CommonOptions& common, std::ostream& out) {
    const auto options = run_options(*words, common);
    if (!common.dry_run) return run_sweep(options, out);
    preview_sweep(options, RowFormat::kTable, out);
    return 0;
  };
}

Action define_plan(CLI::App& app) {
  struct Options {
    std::vector<std::string> words;
    std::string format = "table";
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->words, "Sweep to plan; KEY=VALUE and --workers as in a run")
      ->type_name("SWEEP.yaml [KEY=VALUE]")
      ->required();
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    preview_sweep(run_options(options->words, common), row_format(options->format), out);
    return 0;
  };
}

Action define_submit(CLI::App& app) {
  const auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("sweep", *words, "Sweep to run; KEY=VALUE and all options as in a run")
      ->type_name("SWEEP.yaml [KEY=VALUE]")
      ->required();
  return [words](const CommonOptions& common, std::ostream& out) {
    return submit_sweep(run_options(*words, common), out);
  };
}

Action define_rerun(CLI::App& app) {
  const auto options = std::make_shared<RerunOptions>();
  app.add_option("trial", options->trial, "The beginning of its id")
      ->type_name("TRIAL")
      ->required();
  app.add_flag("--verify", options->verify,
               "In a folder of its own; then compare: is it the same to the last bit?");
  app.add_option("--tolerance", options->tolerance,
                 "Relative difference of two metrics that --verify lets pass (1e-5)")
      ->type_name("R")
      ->check(number_of_at_least(0));
  app.add_flag("--keep", options->keep, "Keep what --verify wrote");
  app.add_flag("--run-command", options->run_command,
               "Run the trial's own program though no sweep file of yours names it");
  return [options](const CommonOptions& common, std::ostream& out) {
    options->results = common.results;
    options->plugin_folders = common.plugin_folders();
    return rerun_trial(*options, out);
  };
}

CommandRow request_row(const std::string& request) {
  const auto define = [request](CLI::App& app) -> Action {
    const auto format = std::make_shared<std::string>("table");
    add_format(app, *format, {"table", "json"});
    return [request, format](const CommonOptions& common, std::ostream& out) {
      ask_runner(common.results, request, *format == "json", out);
      return 0;
    };
  };
  return {.name = request,
          .help = request_help(request),
          .examples = {{request, request_example(request)}},
          .define = define};
}

Action define_status(CLI::App& app) {
  const auto format = std::make_shared<std::string>("table");
  add_format(app, *format, {"table", "json"});
  return [format](const CommonOptions& common, std::ostream& out) {
    const auto as = *format == "json" ? StatusFormat::kJson : StatusFormat::kTable;
    show_status(common.results, as, out);
    return 0;
  };
}

}  // namespace

void add_run_options(CLI::App& app, CommonOptions& common) {
  add_repeated(app, "--set", common.overrides,
               "Set a value of the sweep, as in --set task.train=data.tsv", "KEY=VALUE");
  app.add_option("--workers", common.workers, "Trials at a time")
      ->type_name("N")
      ->check(number_of_at_least(1));
  app.add_flag("--rerun-changed", common.rerun_changed,
               "Train trials again, from scratch, whose plugin or data has changed since");
  app.add_flag("--dry-run", common.dry_run, "Start nothing: the same as 'mvn-runner plan'");
  app.add_option("--log-level", common.log_level,
                 "Of results/SWEEP/runner.log: debug, info, warning, error (info)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember(log_level_names()));
  app.add_flag("-v,--verbose", common.verbose, "Say each step on standard error, too");
}

std::vector<CommandRow> sweep_commands() {
  std::vector<CommandRow> rows = {
      {.name = kRun,
       .examples = {{"experiments/quickstart.yaml", "run a sweep, or what is left of it"},
                    {"sweep.yaml training.epochs=1", "change a value"}},
       .define = define_run},
      {.name = "plan",
       .help = "Show the trials, what is left, and what that will take",
       .examples = {{"plan sweep.yaml", "its trials, what is left, what that takes"}},
       .define = define_plan},
      {.name = "submit",
       .help = "Run a sweep as a job of Slurm, as its `launch.slurm` says",
       .examples = {{"submit sweep.yaml", "on a login node: checked, queued, nothing left behind"}},
       .define = define_submit},
      {.name = "rerun",
       .help = "Train a trial again, from scratch, in its place",
       .examples = {{"rerun 3f2a --verify", "train it again: are the results the same?"}},
       .define = define_rerun},
      {.name = "status",
       .help = "Show where the sweeps of a results folder stand",
       .examples = {{"status", "from another terminal: where the sweeps stand"}},
       .define = define_status}};
  for (const auto& request : runner_requests()) rows.push_back(request_row(request));
  return rows;
}

}  // namespace mvn
