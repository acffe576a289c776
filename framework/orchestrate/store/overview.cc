#include "orchestrate/store/overview.h"

#include <algorithm>

#include "orchestrate/store/database.h"
#include "orchestrate/store/lookup.h"

namespace mvn {
namespace {

constexpr auto* kCounts =
    "SELECT count(*), sum(state IN ('done', 'diverged', 'stopped')),"
    " sum(state IN ('failed', 'blocked')),"
    " sum(state IN ('done', 'diverged', 'stopped', 'failed') AND"
    "   (SELECT max(a.ended) FROM mvn_attempt a WHERE a.trial = t.id) >= ?2)"
    " FROM mvn_trial t WHERE current = 1"
    " AND sweep = (SELECT id FROM mvn_sweep WHERE name = ?1)";

constexpr auto* kUsualSteps =
    "SELECT max(a.step) FROM mvn_trial t JOIN mvn_attempt a ON a.trial = t.id AND a.steps IS NULL"
    " WHERE t.sweep = (SELECT id FROM mvn_sweep WHERE name = ?) AND t.current = 1"
    " AND t.state = 'done'";

constexpr auto* kRunning =
    "SELECT t.stage, t.label, t.seed,"
    " a.worker, a.started, coalesce(a.resumed_step, 0),"
    " coalesce(a.step, nullif(a.resumed_step, 0)), coalesce(a.steps, 0),"
    " (SELECT m.value FROM mvn_value m JOIN mvn_metric_name n ON n.id = m.name"
    "   WHERE m.trial = t.id AND n.name = 'train/loss' ORDER BY m.step DESC LIMIT 1), t.short"
    " FROM mvn_attempt a JOIN mvn_trial t ON t.id = a.trial JOIN mvn_sweep s ON s.id = t.sweep"
    " WHERE a.state = 'running' AND s.name = ? ORDER BY length(a.worker), a.worker";

RunningAttempt running_attempt(SQLite::Statement& row, const TrialNames& name) {
  RunningAttempt attempt;
  attempt.label =
      name(row.getColumn(0).getString(), row.getColumn(1).getString(), row.getColumn(2).getInt64());
  attempt.worker = row.getColumn(3).getString();
  attempt.started = row.getColumn(4).getInt64();
  attempt.resumed_step = row.getColumn(5).getInt64();
  if (!row.isColumnNull(6)) {
    attempt.step = std::max(attempt.resumed_step, row.getColumn(6).getInt64());
  }
  attempt.steps = row.getColumn(7).getInt64();
  if (!row.isColumnNull(8)) attempt.loss = row.getColumn(8).getDouble();
  attempt.trial = row.getColumn(9).getString();
  return attempt;
}

}  // namespace

SweepOverview sweep_overview(const std::filesystem::path& database, const std::string& sweep,
                             std::int64_t since) {
  return translate_errors(database, [&] {
    Database db(database, Access::kRead);
    SweepOverview overview;
    const auto count = [](SQLite::Statement& row, int column) {
      return static_cast<std::size_t>(row.getColumn(column).getInt64());
    };
    db.each(
        kCounts,
        [&](SQLite::Statement& row) {
          overview.trials = count(row, 0);
          overview.done = count(row, 1);
          overview.failed = count(row, 2);
          overview.ended = count(row, 3);
        },
        sweep, since);
    const TrialNames name = names_of_trials(db, sweep);
    db.each(
        kRunning,
        [&](SQLite::Statement& row) { overview.running.push_back(running_attempt(row, name)); },
        sweep);
    const auto says_nothing = [](const RunningAttempt& attempt) { return attempt.steps == 0; };
    if (std::ranges::any_of(overview.running, says_nothing)) {
      const auto usual = db.integer(kUsualSteps, sweep).value_or(0);
      for (auto& attempt : overview.running) attempt.usual_steps = usual;
    }
    return overview;
  });
}

}  // namespace mvn
