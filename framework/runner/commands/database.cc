// db, artifacts, gc, remove: the results over the years.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "orchestrate/sessions/artifact_list.h"
#include "orchestrate/sessions/preview.h"
#include "orchestrate/sessions/refresh_importance.h"
#include "orchestrate/store/artifacts.h"
#include "orchestrate/store/cleanup.h"
#include "orchestrate/store/maintenance.h"
#include "orchestrate/store/merge_results.h"
#include "orchestrate/store/schema_text.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/results_lock.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void require_database(const fs::path& results) {
  const auto path = database_path(results);
  if (fs::exists(path)) return;
  throw Error(path_text(path) +
              ": no such database; name the folder of the results with --results, or make it from "
              "the spools with 'mvn-runner collect --rebuild'");
}

std::string size_text(std::uintmax_t bytes) { return bytes_text(static_cast<double>(bytes)); }

bool is_at_work(const fs::path& results) {
  const auto runner = last_runner(results);
  return runner && runner->alive;
}

void print_json(const Json& json, std::ostream& out) {
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  out << (::isatty(STDOUT_FILENO) == 1 ? printable_lines(text) : text) << std::endl;
}

// The command `name` of a command: its action is `chosen` where the user asks for it.
CLI::App* add_action(CLI::App& app, const std::shared_ptr<Action>& chosen, const std::string& name,
                     const std::string& help, const std::string& example,
                     std::function<Action(CLI::App&)> define) {
  auto* command = app.add_subcommand(name, help);
  const Action action = define(*command);
  command->footer("Example:\n  mvn-runner " + example + "\n");
  command->final_callback([chosen, action] { *chosen = action; });
  return command;
}

// db check

Json to_json(const CheckReport& report) {
  Json findings = Json::array();
  for (const auto& each : report.findings) {
    findings.push_back({{"fault", each.fault},
                        {"where", each.where},
                        {"what", each.what},
                        {"remedy", each.remedy}});
  }
  return {{"whole", report.is_whole()},     {"sweeps", report.sweeps},
          {"trials", report.trials},        {"attempts", report.attempts},
          {"metric_values", report.values}, {"findings", findings}};
}

void print_report(const CheckReport& report, const fs::path& database, std::ostream& out) {
  for (const auto& each : report.findings) {
    out << (each.fault ? "FAULT " : "note  ") << printable(each.where) << ": "
        << printable(each.what) << "; " << each.remedy << "\n";
  }
  const auto count = [](std::int64_t number, const char* noun) {
    return plural(static_cast<std::size_t>(number), noun);
  };
  out << path_text(database)
      << (report.is_whole() ? ": whole, and says what the spools say: " : ": NOT whole: ")
      << count(report.sweeps, "sweep") << ", " << count(report.trials, "trial") << ", "
      << count(report.attempts, "attempt") << ", " << count(report.values, "value") << " of metrics"
      << std::endl;
}

Action define_check(CLI::App& app) {
  const auto format = std::make_shared<std::string>("table");
  add_format(app, *format, {"table", "json"});
  return [format](const CommonOptions& common, std::ostream& out) {
    require_database(common.results);
    const auto report = check_database(common.results, is_at_work(common.results));
    if (*format == "json") {
      print_json(to_json(report), out);
    } else {
      print_report(report, database_path(common.results), out);
    }
    return report.is_whole() ? 0 : 1;
  };
}

// db merge

const char* word_for(MergeAction action) {
  switch (action) {
    case MergeAction::kAdd:
      return "add";
    case MergeAction::kReplace:
      return "replace";
    default:
      return "keep";
  }
}

Json to_json(const MergePlan& plan, bool done) {
  Json trials = Json::array();
  for (const auto& each : plan.trials) {
    trials.push_back({{"sweep", each.sweep},
                      {"trial", short_id(each.id)},
                      {"params", each.label},
                      {"seed", each.seed},
                      {"action", word_for(each.action)},
                      {"here", each.here},
                      {"there", each.there},
                      {"folder", each.folder},
                      {"differs", each.differs}});
  }
  return {{"done", done},
          {"added", plan.count(MergeAction::kAdd)},
          {"replaced", plan.count(MergeAction::kReplace)},
          {"kept", plan.count(MergeAction::kKeep)},
          {"without_folder", plan.without_folder()},
          {"different", plan.different()},
          {"bytes", plan.bytes},
          {"trials", trials}};
}

void print_merge(const MergePlan& plan, bool dry_run, std::ostream& out) {
  if (dry_run) {
    const auto writer = make_row_writer(RowFormat::kTable, out, terminal_width(STDOUT_FILENO));
    writer->columns({"trial", "sweep", "params", "seed", "here", "there", "what", "files"});
    for (const auto& each : plan.trials) {
      const bool comes = each.action != MergeAction::kKeep;
      writer->row({short_id(each.id), each.sweep, each.label, each.seed,
                   each.here.empty() ? Cell() : Cell(each.here), each.there,
                   std::string(word_for(each.action)),
                   comes ? Cell(std::string(each.folder ? "copied" : "missing")) : Cell()});
    }
    writer->end();
  }
  if (plan.different() > 0) {
    out << "warning: " << plural(plan.different(), "trial")
        << " finished on both sides with different results; this side's stay" << std::endl;
  }
  if (plan.without_folder() > 0) {
    out << "warning: the files of " << plural(plan.without_folder(), "trial")
        << " are missing: a later 'collect --rebuild' would lose their results; merge the results "
           "folder to have them"
        << std::endl;
  }
  const auto count = [&](MergeAction action) { return std::to_string(plan.count(action)); };
  out << (dry_run ? "would add " : "added ") << plural(plan.count(MergeAction::kAdd), "trial")
      << ", " << (dry_run ? "replace " : "replaced ") << count(MergeAction::kReplace)
      << " that came further there, " << (dry_run ? "keep " : "kept ") << count(MergeAction::kKeep)
      << "; " << size_text(plan.bytes) << " of files" << (dry_run ? "; nothing is changed yet" : "")
      << std::endl;
}

Action define_merge_db(CLI::App& app) {
  struct Options {
    std::string other;
    std::string format = "table";
    bool dry_run = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("other", options->other, "Another results folder, or its results.db alone")
      ->required()
      ->type_name("OTHER");
  app.add_flag("--dry-run", options->dry_run, "Say what it would do, trial by trial");
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    const fs::path other = options->other;
    if (fs::is_directory(other)) {
      const auto runner = last_runner(other);
      if (runner && runner->here && runner->alive) {
        throw Error(path_text(other) + " is in use by another mvn-runner, " + runner->text() +
                    ": wait for it to end, or stop it");
      }
    }
    const bool dry_run = options->dry_run || common.dry_run;
    std::optional<ResultsLock> lock;
    if (!dry_run) lock.emplace(common.results);
    const auto plan = plan_merge(common.results, other);
    if (!dry_run) {
      merge_results(common.results, other, plan);
      std::set<std::string> sweeps;
      for (const auto& trial : plan.trials) sweeps.insert(trial.sweep);
      refresh_importance(common.results, sweeps);
    }
    if (options->format == "json") {
      print_json(to_json(plan, !dry_run), out);
    } else {
      print_merge(plan, dry_run, out);
    }
    return 0;
  };
}

// db vacuum, backup, schema

Action define_vacuum(CLI::App& app) {
  const auto format = std::make_shared<std::string>("table");
  add_format(app, *format, {"table", "json"});
  return [format](const CommonOptions& common, std::ostream& out) {
    require_database(common.results);
    const ResultsLock lock(common.results);
    const auto summary = vacuum_database(common.results);
    const auto database = database_path(common.results);
    if (*format == "json") {
      print_json({{"database", database.string()},
                  {"bytes_before", summary.before},
                  {"bytes_after", summary.after}},
                 out);
      return 0;
    }
    out << path_text(database) << ": " << size_text(summary.before) << " before, "
        << size_text(summary.after) << " now" << std::endl;
    return 0;
  };
}

Action define_backup(CLI::App& app) {
  struct Options {
    std::string file;
    std::string format = "table";
  };
  const auto options = std::make_shared<Options>();
  app.add_option("file", options->file, "New file to write")->required()->type_name("FILE");
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    require_database(common.results);
    const auto bytes = backup_database(database_path(common.results), options->file);
    if (options->format == "json") {
      print_json({{"file", options->file}, {"bytes", bytes}}, out);
    } else {
      out << "wrote " << path_text(options->file) << ", " << size_text(bytes) << std::endl;
    }
    return 0;
  };
}

Action define_schema_text(CLI::App& app) {
  const auto output = std::make_shared<std::string>();
  app.add_option("--output", *output, "File to write (standard output)")->type_name("FILE");
  return [output](const CommonOptions&, std::ostream& out) {
    write_or_print(schema_text(), *output, out);
    return 0;
  };
}

Action define_db(CLI::App& app) {
  const auto chosen = std::make_shared<Action>();
  app.require_subcommand(0, 1);
  add_action(app, chosen, "check", "Is the database whole, and does it say what the spools say?",
             "db check", define_check);
  add_action(app, chosen, "vacuum", "Give the space of what was removed back to the disk",
             "db vacuum", define_vacuum);
  add_action(app, chosen, "backup", "Write a whole copy of it, also while a runner works",
             "db backup results-2026-01-31.db", define_backup);
  add_action(app, chosen, "merge",
             "Take in another machine's results: a results folder, or its results.db alone",
             "db merge ../other/results --dry-run", define_merge_db);
  add_action(app, chosen, "schema", "Print the SQL that makes an empty one",
             "db schema --output results/schema.sql", define_schema_text);
  return
      [chosen](const CommonOptions& common, std::ostream& out) { return (*chosen)(common, out); };
}

// artifacts

Action define_artifacts(CLI::App& app) {
  struct Options {
    std::string sweep;
    std::string format = "table";
    bool hash = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->sweep, "Of this sweep (all)")->type_name("SWEEP");
  app.add_flag("--hash", options->hash, "A row for each file, with its SHA-256");
  add_format(app, options->format, {"table", "csv", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    list_artifacts(common.results, options->sweep, options->hash, row_format(options->format), out);
    return 0;
  };
}

// gc

Json to_json(const GcTrial& trial) {
  Json paths = Json::array();
  for (const auto& path : trial.paths) paths.push_back(path.string());
  Json json = {{"trial", short_id(trial.id)}, {"sweep", trial.sweep}, {"stage", trial.stage},
               {"params", trial.label},       {"seed", trial.seed},   {"state", trial.state},
               {"bytes", trial.bytes},        {"paths", paths}};
  if (!trial.kept.empty()) json["kept"] = trial.kept;
  return json;
}

Json to_json(const GcPlan& plan, bool done) {
  Json removed = Json::array();
  Json kept = Json::array();
  for (const auto& each : plan.trials)
    (each.kept.empty() ? removed : kept).push_back(to_json(each));
  return {{"done", done},
          {"removed", removed},
          {"kept", kept},
          {"removed_bytes", plan.freed()},
          {"kept_bytes", plan.kept()}};
}

void print_gc(const GcPlan& plan, std::ostream& out) {
  const auto writer = make_row_writer(RowFormat::kTable, out, terminal_width(STDOUT_FILENO));
  writer->columns({"trial", "sweep", "stage", "params", "seed", "size", "what", "why"});
  for (const auto& each : plan.trials) {
    const bool goes = each.kept.empty();
    writer->row({short_id(each.id), each.sweep, each.stage, each.label, each.seed,
                 size_text(each.bytes), std::string(goes ? "remove" : "keep"),
                 goes ? "is " + each.state + ", and nothing needs it" : each.kept});
  }
  writer->end();
}

int run_gc(const CommonOptions& common, const std::string& sweep, std::size_t best, bool yes,
           bool json, std::ostream& out) {
  require_database(common.results);
  std::optional<ResultsLock> lock;
  if (yes) lock.emplace(common.results);
  const auto plan = plan_gc(common.results, sweep, best);
  const bool any = plan.removed() > 0;
  const auto left = yes && any ? collect_garbage(common.results, plan) : 0;
  if (json) {
    print_json(to_json(plan, yes), out);
  } else {
    if (!plan.trials.empty()) print_gc(plan, out);
    const auto amount = size_text(plan.freed()) + " of " + plural(plan.removed(), "trial");
    out << (!any  ? "nothing to remove"
            : yes ? "removed " + amount
                  : "would remove " + amount)
        << "; " << size_text(plan.kept()) << " stay" << (yes || !any ? "" : "; add --yes to do it")
        << std::endl;
  }
  if (left > 0)
    throw Error(plural(left, "path") +
                " could not be removed: see their permissions; the next run tries again");
  return 0;
}

Action define_gc(CLI::App& app) {
  struct Options {
    std::string sweep;
    std::string format = "table";
    double best = 1;
    bool yes = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->sweep, "Of this sweep (all)")->type_name("SWEEP");
  app.add_option("--keep-best", options->best, "Keep the models of so many trials a stage (1)")
      ->type_name("N")
      ->check(number_of_at_least(0));
  app.add_flag("--yes", options->yes, "Do it; else it says what it would do");
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    return run_gc(common, options->sweep, static_cast<std::size_t>(options->best),
                  options->yes && !common.dry_run, options->format == "json", out);
  };
}

// remove

int run_remove(const CommonOptions& common, const std::string& sweep, bool yes, bool json,
               std::ostream& out) {
  require_database(common.results);
  std::optional<ResultsLock> lock;
  if (yes) lock.emplace(common.results);
  const auto removal = plan_removal(common.results, sweep);
  const auto left = yes ? remove_sweep(common.results, sweep) : 0;
  if (json) {
    print_json({{"done", yes},
                {"sweep", sweep},
                {"trials", removal.trials},
                {"bytes", removal.bytes},
                {"needed_by", removal.needed_by}},
               out);
  } else {
    for (const auto& each : removal.needed_by) {
      out << "warning: " << printable(each)
          << " is not finished, and starts from a model of this sweep" << std::endl;
    }
    out << (yes ? "removed " : "would remove ") << printable(sweep) << ": "
        << plural(removal.trials, "trial") << " and " << size_text(removal.bytes) << " on disk"
        << (yes ? "" : "; add --yes to do it") << std::endl;
  }
  if (left > 0)
    throw Error(plural(left, "path") +
                " could not be removed: see their permissions; the next run tries again");
  return 0;
}

Action define_remove(CLI::App& app) {
  struct Options {
    std::string sweep;
    std::string format = "table";
    bool yes = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("sweep", options->sweep, "The sweep, by its name")->required()->type_name("SWEEP");
  app.add_flag("--yes", options->yes, "Do it; else it says what it would do");
  add_format(app, options->format, {"table", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    return run_remove(common, options->sweep, options->yes && !common.dry_run,
                      options->format == "json", out);
  };
}

}  // namespace

std::vector<CommandRow> database_commands() {
  return {{.name = "artifacts",
           .help = "List models, adapters and checkpoints: where they are, whether they still are",
           .examples = {{"artifacts demo", "its models and checkpoints, and where they are"}},
           .define = define_artifacts},
          {.name = "gc",
           .help = "Free disk space: remove models and checkpoints that nothing needs",
           .examples = {{"gc demo --keep-best 3", "what would go; with --yes it goes"}},
           .define = define_gc},
          {.name = "remove",
           .help = "Remove a sweep: its rows and its folder",
           .examples = {{"remove demo", "what would go; with --yes it goes"}},
           .define = define_remove},
          {.name = "db",
           .help = "Check, back up, merge or compact the database",
           .examples = {{"db check", "is it whole, and does it say what the spools say?"},
                        {"db backup copy.db", "a whole copy, also while a sweep runs"}},
           .define = define_db}};
}

}  // namespace mvn
