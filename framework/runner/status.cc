#include "runner/status.h"

#include <unistd.h>

#include "orchestrate/launch/results_lock.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

constexpr auto* kSweeps = R"(
SELECT sweep, stage, count(*) AS trials, sum(state = 'done') AS done,
       sum(state = 'running') AS running, sum(state IN ('planned', 'interrupted')) AS "left",
       sum(state = 'failed') AS failed, sum(state = 'blocked') AS blocked,
       sum(state = 'diverged') AS diverged, sum(state = 'stopped') AS stopped
FROM trials WHERE current GROUP BY sweep, stage ORDER BY min(started), sweep)";

constexpr auto* kRunning = R"(
SELECT trial, stage, params, step, steps,
       (SELECT value FROM metrics m WHERE m.trial = t.trial AND m.sweep = t.sweep
          AND name = 'train/loss' ORDER BY step DESC LIMIT 1) AS loss,
       started
FROM trials t WHERE state = 'running')";

std::string runner_line(const std::filesystem::path& results) {
  const auto runner = last_runner(results);
  if (!runner || !runner->alive) return "no runner is at work here";
  const bool runs = !runner->sweep.empty();
  return "runner: " + runner->text() + (runs ? ", " + runner->sweep + " is " + runner->course : "");
}

}  // namespace

void show_status(const std::filesystem::path& results, std::ostream& out) {
  const auto database = database_path(results);
  const QueryOptions options{RowFormat::kTable, terminal_width(STDOUT_FILENO)};
  run_query(database, kSweeps, options, out);
  const auto runner = runner_line(results);
  out << runner << std::endl;
  if (runner.starts_with("runner:")) run_query(database, kRunning, options, out);
}

}  // namespace mvn
