#include "runner/status.h"

#include <unistd.h>

#include <sstream>

#include "common/files.h"
#include "orchestrate/store/query.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

constexpr auto* kSweeps = R"(
SELECT sweep, stage, count(*) AS trials, sum(state = 'done') AS done,
       sum(state = 'running') AS running, sum(state IN ('planned', 'interrupted')) AS "left",
       sum(state = 'failed') AS failed, sum(state = 'blocked') AS blocked,
       sum(state = 'diverged') AS diverged
FROM trials WHERE current GROUP BY sweep, stage ORDER BY min(started), sweep)";

constexpr auto* kRunning = R"(
SELECT trial, stage, params, step, steps,
       (SELECT value FROM metrics m WHERE m.trial = t.trial AND m.sweep = t.sweep
          AND name = 'train/loss' ORDER BY step DESC LIMIT 1) AS loss,
       started
FROM trials t WHERE state = 'running')";

// The process that the lock file names, where it still is one of ours.
bool is_alive(const std::string& pid) {
  std::error_code ignored;
  const std::filesystem::path process = "/proc/" + pid;
  if (pid.empty() || !std::filesystem::exists(process / "comm", ignored)) return false;
  return read_file(process / "comm").starts_with("mvn-runner");
}

std::string runner_line(const std::filesystem::path& results) {
  const auto lock = results / "runner.lock";
  if (!std::filesystem::exists(lock)) return "no runner is at work here";
  std::istringstream owner(read_file(lock));
  std::string pid;
  std::string host;
  owner >> pid >> host;
  char here[256] = {};
  ::gethostname(here, sizeof here - 1);
  if (host == here && !is_alive(pid)) return "no runner is at work here";
  return "runner: process " + pid + " on " + host;
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
