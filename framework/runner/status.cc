#include "runner/status.h"

#include <unistd.h>

#include <sstream>

#include "common/json.h"
#include "common/printable.h"
#include "common/spool.h"
#include "common/text.h"
#include "orchestrate/process/run_to_end.h"
#include "orchestrate/run/view.h"
#include "orchestrate/sessions/submit.h"
#include "orchestrate/store/overview.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/results_lock.h"

namespace mvn {
namespace {

constexpr auto* kSweeps = R"(
SELECT sweep, stage, count(*) AS trials, sum(state = 'done') AS done,
       sum(state = 'running') AS running, sum(state IN ('planned', 'interrupted')) AS "left",
       sum(state = 'failed') AS failed, sum(state = 'blocked') AS blocked,
       sum(state = 'diverged') AS diverged, sum(state = 'stopped') AS stopped
FROM trials WHERE current GROUP BY sweep, stage ORDER BY min(started), sweep)";

double seconds(std::int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

// What the runner itself shows, made from the database.
RunStatus run_status(const LastRunner& runner, const SweepOverview& overview) {
  RunStatus status;
  status.sweep = runner.sweep;
  status.course = course_of(runner.course);
  status.started = seconds(runner.started);
  status.trials = overview.trials;
  status.done = overview.done;
  status.failed = overview.failed;
  status.ended = overview.ended;
  status.to_run = overview.trials - (overview.done + overview.failed - overview.ended);
  for (const auto& each : overview.running) {
    auto& trial = status.running[status.running.size()];
    trial.label = each.trial + " " + each.label;
    trial.started = seconds(each.started);
    trial.resumed_step = each.resumed_step;
    trial.step = each.step.value_or(0);
    trial.reported = each.step.has_value();
    trial.steps = each.steps;
    trial.usual_steps = each.usual_steps;
    trial.loss = each.loss;
  }
  return status;
}

void show_runner(const LastRunner& runner, const std::filesystem::path& database,
                 std::ostream& out) {
  out << "runner: " << runner.text();
  if (runner.sweep.empty()) {
    out << std::endl;
    return;
  }
  out << ", " << printable(runner.sweep) << " is " << printable(runner.course) << std::endl;
  const auto overview = sweep_overview(database, runner.sweep, runner.started);
  // As many lines as there are workers: nothing is drawn over.
  const TerminalSize size{terminal_width(STDOUT_FILENO).value_or(80), overview.running.size() + 4};
  for (const auto& line : render(run_status(runner, overview), seconds(now_ms()), size, false)) {
    out << line << std::endl;
  }
}

void show_dead(const std::optional<LastRunner>& runner, const std::filesystem::path& database,
               std::ostream& out) {
  out << "no runner is at work here" << std::endl;
  if (!runner || runner->sweep.empty()) return;
  const auto running = sweep_overview(database, runner->sweep, runner->started).running;
  if (running.empty()) return;
  out << runner->text() << " died while it ran " << printable(runner->sweep)
      << "; the same command goes on with:" << std::endl;
  for (const auto& each : running) {
    out << "  " << printable(each.trial + " " + each.label) << ", step " << each.step.value_or(0)
        << (each.steps > 0 ? "/" + std::to_string(each.steps) : "") << std::endl;
  }
}

// The jobs of submit that Slurm still has, as JSON objects; none where it does not answer.
Json queued(const std::filesystem::path& results) {
  Json list = Json::array();
  const auto jobs = submitted_jobs(results);
  std::vector<std::string> ids;
  for (const auto& job : jobs) ids.push_back(job.id);
  Signals signals;
  std::map<std::string, QueuedJob> known;
  try {
    known = queued_jobs(ids, signals);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    list.push_back({{"error", error.what()}});
  }
  for (const auto& job : jobs) {
    const auto found = known.find(job.id);
    if (found == known.end()) continue;
    const auto& now = found->second;
    list.push_back({{"job", job.id},
                    {"sweep", job.sweep},
                    {"state", now.state},
                    {"reason", now.reason},
                    {"partition", now.partition},
                    {"nodes", now.nodes},
                    {"ends", now.ends},
                    {"log", job.log}});
  }
  return list;
}

// "job 12 of demo: PENDING (Priority) in gpu; log: results/demo/slurm/job-12.log"
void show_jobs(const std::filesystem::path& results, std::ostream& out) {
  for (const Json& job : queued(results)) {
    const auto text = [&job](const char* key) { return printable(job.value(key, "")); };
    if (job.contains("error")) {
      out << "Slurm's queue is not known: " << text("error") << std::endl;
      continue;
    }
    const bool waits = text("nodes").empty();
    out << "job " << text("job") << " of " << text("sweep") << ": " << text("state")
        << (waits ? " (" + text("reason") + ") in " + text("partition")
                  : " on " + text("nodes") + ", until " + text("ends") + " at most")
        << "; log: " << path_text(job.at("log").get<std::string>()) << std::endl;
  }
}

// The rows of a query, as JSON.
Json rows_of(const std::filesystem::path& database, const char* sql) {
  std::ostringstream text;
  run_query(database, sql, {RowFormat::kJson, {}}, text);
  return Json::parse(text.str());
}

Json to_json(const RunningAttempt& attempt) {
  Json json = {{"trial", attempt.trial},
               {"name", attempt.label},
               {"worker", attempt.worker},
               {"started", attempt.started},
               {"resumed_step", attempt.resumed_step}};
  json["step"] = attempt.step ? Json(*attempt.step) : Json();
  json["steps"] = attempt.steps > 0 ? Json(attempt.steps) : Json();
  json["loss"] = attempt.loss ? number_to_json(*attempt.loss) : Json();
  return json;
}

Json runner_json(const LastRunner& runner) {
  return {{"process", runner.pid}, {"host", runner.host},     {"since", runner.since},
          {"sweep", runner.sweep}, {"course", runner.course}, {"started", runner.started},
          {"alive", runner.alive}};
}

// Times are milliseconds since 1970 UTC.
void print_json(const std::filesystem::path& results, const std::optional<LastRunner>& runner,
                std::ostream& out) {
  const auto database = database_path(results);
  Json json = {{"sweeps", Json::array()}, {"runner", nullptr}, {"jobs", queued(results)}};
  if (std::filesystem::exists(database)) json["sweeps"] = rows_of(database, kSweeps);
  json["running"] = Json::array();
  if (runner && !runner->sweep.empty()) {
    json["runner"] = runner_json(*runner);
    for (const auto& each : sweep_overview(database, runner->sweep, runner->started).running) {
      json["running"].push_back(to_json(each));
    }
  }
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  out << (terminal_width(STDOUT_FILENO) ? printable_lines(text) : text) << std::endl;
}

}  // namespace

bool has_results(const std::filesystem::path& results) {
  std::error_code none;
  return std::filesystem::exists(database_path(results), none);
}

void show_status(const std::filesystem::path& results, StatusFormat format, std::ostream& out) {
  const auto database = database_path(results);
  if (format == StatusFormat::kJson) return print_json(results, last_runner(results), out);
  // A job that waits has no database yet.
  const bool waits = !has_results(results) && !submitted_jobs(results).empty();
  if (!waits) {
    run_query(database, kSweeps, {RowFormat::kTable, terminal_width(STDOUT_FILENO)}, out);
  }
  show_jobs(results, out);
  if (waits) return;
  const auto runner = last_runner(results);
  if (runner && runner->alive) {
    show_runner(*runner, database, out);
  } else {
    show_dead(runner, database, out);
  }
}

}  // namespace mvn
