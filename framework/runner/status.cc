#include "runner/status.h"

#include <unistd.h>

#include "common/printable.h"
#include "common/spool.h"
#include "orchestrate/run/view.h"
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

Course course_of(const std::string& name) {
  for (const auto course :
       {Course::kPaused, Course::kDraining, Course::kStopping, Course::kKilling}) {
    if (name == to_string(course)) return course;
  }
  return Course::kRunning;
}

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

}  // namespace

void show_status(const std::filesystem::path& results, std::ostream& out) {
  const auto database = database_path(results);
  run_query(database, kSweeps, {RowFormat::kTable, terminal_width(STDOUT_FILENO)}, out);
  const auto runner = last_runner(results);
  if (runner && runner->alive) {
    show_runner(*runner, database, out);
  } else {
    show_dead(runner, database, out);
  }
}

}  // namespace mvn
