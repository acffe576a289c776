// query, compare, collect: what the results say.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "common/json.h"
#include "common/text.h"
#include "orchestrate/answers/compare.h"
#include "orchestrate/sessions/refresh_importance.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/rebuild.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/results_lock.h"
#include "runner/commands/commands.h"

namespace mvn {
namespace {

std::map<std::string, std::string> parameter_values(const std::vector<std::string>& given) {
  std::map<std::string, std::string> values;
  for (const auto& text : given) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError("--param takes NAME=VALUE, as in --param sweep=demo, not '" + text + "'");
    }
    values[text.substr(text.starts_with(':') ? 1 : 0, equals - (text.starts_with(':') ? 1 : 0))] =
        text.substr(equals + 1);
  }
  return values;
}

Action define_query(CLI::App& app) {
  struct Options {
    std::string sql;
    std::string format = "table";
    std::vector<std::string> parameters;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("query", options->sql,
                 "One SELECT, a ready query or a view by name; without it, what there is to ask")
      ->type_name("QUERY");
  add_repeated(app, "--param", options->parameters,
               "Give a parameter of the query a value, as in --param sweep=demo", "NAME=VALUE");
  add_format(app, options->format, {"table", "csv", "json"});
  return [options](const CommonOptions& common, std::ostream& out) {
    const auto format = row_format(options->format);
    const auto database = database_path(common.results);
    if (options->sql.empty()) {
      list_questions(database, format, out);
      return 0;
    }
    const auto sql = sql_of(database, options->sql);
    run_query(database, sql,
              {format, terminal_width(STDOUT_FILENO), parameter_values(options->parameters)}, out);
    return 0;
  };
}

Action define_compare(CLI::App& app) {
  struct Options {
    CompareRequest request;
    std::string format = "table";
  };
  const auto options = std::make_shared<Options>();
  CompareRequest& request = options->request;
  app.add_option("sweep", request.sweep, "Its name, or its file")->type_name("SWEEP")->required();
  app.add_option("--by", request.by, "Parameter whose values are compared: model.plugin")
      ->type_name("KEY")
      ->required();
  app.add_option("--baseline", request.baseline, "Compare all others with this value alone")
      ->type_name("VALUE");
  app.add_option("--metric", request.metric,
                 "Judge by this metric; by the test split's where there is one (the sweep's)")
      ->type_name("METRIC");
  app.add_option("--rope", request.region,
                 "Largest difference that is none in practice (0.01 of scores up to 1, else 0)")
      ->type_name("R")
      ->check(number_of_at_least(0));
  add_repeated(app, "--stage", request.stages, "Compare trials of this stage alone", "STAGE");
  add_repeated(app, "--within", request.within,
               "Compare within each value of this parameter, as within each data set", "KEY");
  add_format(app, options->format, {"table", "json", "markdown", "latex"});
  return [options](const CommonOptions& common, std::ostream& out) {
    compare_arms(database_path(common.results), options->request, compare_format(options->format),
                 out, terminal_width(STDOUT_FILENO));
    return 0;
  };
}

int rebuild(const std::filesystem::path& results, bool json, std::ostream& out) {
  if (!std::filesystem::is_directory(results)) {
    throw UsageError(results.string() + ": no such results folder; give one with --results");
  }
  const ResultsLock lock(results);
  const auto summary = rebuild_database(results);
  const auto database = database_path(results);
  refresh_importance(results, {summary.sweeps.begin(), summary.sweeps.end()});
  if (json) {
    out << Json{{"database", database.string()}, {"sweeps", summary.sweeps.size()},
                {"trials", summary.trials},      {"attempts", summary.attempts},
                {"records", summary.records},    {"lost", summary.lost},
                {"kept", summary.kept.string()}}
               .dump(1, ' ', false, Json::error_handler_t::replace)
        << std::endl;
    return 0;
  }
  out << "made " << database.string() << " anew: " << summary.sweeps.size() << " sweeps, "
      << summary.trials << " trials, " << summary.attempts << " attempts, " << summary.records
      << " records" << std::endl;
  if (summary.lost > 0) {
    out << "warning: " << plural(summary.lost, "trial")
        << " had ended, but their files are gone: they count as interrupted, and run again\n";
  }
  if (!summary.kept.empty()) out << "the old one is " << summary.kept.string() << std::endl;
  return 0;
}

Action define_collect(CLI::App& app) {
  const auto format = std::make_shared<std::string>("table");
  app.add_flag_function(
         "--rebuild", [](std::int64_t) {}, "Replace the database")
      ->required();
  add_format(app, *format, {"table", "json"});
  return [format](const CommonOptions& common, std::ostream& out) {
    return rebuild(common.results, *format == "json", out);
  };
}

}  // namespace

std::vector<CommandRow> answer_commands() {
  return {
      {.name = "query",
       .help = "Ask the results in SQL, read-only",
       .examples = {{"query \"SELECT * FROM group_stats\"", "mean and interval over the seeds"},
                    {"query best-per-stage --param sweep=demo",
                     "a ready query; 'query' lists them"}},
       .define = define_query},
      {.name = "compare",
       .help = "Say which value of a parameter is better, by how much, and how sure that is",
       .examples = {{"compare demo --by model.plugin", "which is better, by how much, how sure"}},
       .define = define_compare},
      {.name = "collect",
       .help = "Make results.db anew from the trials' spools",
       .examples = {{"collect --rebuild", "after results.db was damaged or lost"}},
       .define = define_collect}};
}

}  // namespace mvn
