#include "orchestrate/store/merge_rows.h"

#include <vector>

#include "mvn/error.h"
#include "orchestrate/store/label.h"
#include "orchestrate/store/run_views.h"

namespace mvn {

MergedRows::MergedRows(Database& db, const std::filesystem::path& other) : db_(db) {
  db_.run("ATTACH ? AS other", other.string());
  db_.connection().exec(
      "CREATE TEMP TABLE merge_sweep (other INTEGER PRIMARY KEY, own INTEGER NOT NULL);"
      "CREATE TEMP TABLE merge_trial (other INTEGER PRIMARY KEY, own INTEGER NOT NULL);"
      "CREATE TEMP TABLE merge_name (other INTEGER PRIMARY KEY, own INTEGER NOT NULL)");
}

void MergedRows::release() {
  db_.connection().exec(
      "DROP TABLE temp.merge_sweep; DROP TABLE temp.merge_trial; DROP TABLE temp.merge_name");
  db_.connection().exec("DETACH other");
}

std::int64_t MergedRows::sweep_row(const std::string& sweep) {
  const auto other = db_.known_integer("SELECT id FROM other.mvn_sweep WHERE name = ?", sweep);
  if (const auto known = db_.integer("SELECT own FROM merge_sweep WHERE other = ?", other)) {
    return *known;
  }
  db_.run(
      "INSERT INTO main.mvn_sweep (name, file, text, resolved, version, created, place)"
      " SELECT name, file, text, resolved, version, created, place FROM other.mvn_sweep"
      " WHERE id = ? ON CONFLICT (name) DO NOTHING",
      other);
  const auto own = db_.known_integer("SELECT id FROM main.mvn_sweep WHERE name = ?", sweep);
  db_.run("INSERT INTO merge_sweep (other, own) VALUES (?, ?)", other, own);
  take_names();
  take_stages(other, own);
  return own;
}

void MergedRows::take_names() {
  db_.run(
      "INSERT INTO main.mvn_metric_name (name) SELECT name FROM other.mvn_metric_name WHERE 1"
      " ON CONFLICT (name) DO NOTHING");
  db_.run(
      "INSERT INTO merge_name (other, own) SELECT o.id, n.id FROM other.mvn_metric_name o"
      " JOIN main.mvn_metric_name n ON n.name = o.name WHERE 1 ON CONFLICT DO NOTHING");
}

void MergedRows::take_stages(std::int64_t other, std::int64_t own) {
  db_.run(
      "INSERT INTO main.mvn_stage (sweep, stage, metric, maximize, position)"
      " SELECT ?2, g.stage, n.own, g.maximize, g.position +"
      "  coalesce((SELECT max(position) + 1 FROM main.mvn_stage WHERE sweep = ?2), 0)"
      " FROM other.mvn_stage g JOIN merge_name n ON n.other = g.metric WHERE g.sweep = ?1"
      " ON CONFLICT DO NOTHING",
      other, own);
  db_.run(
      "INSERT INTO main.mvn_draw (sweep, stage, search, draw, point, created)"
      " SELECT ?2, stage, search, draw, point, created FROM other.mvn_draw WHERE sweep = ?1"
      " ON CONFLICT DO NOTHING",
      other, own);
}

void MergedRows::take(const std::string& sweep, const std::string& id) {
  const auto own = sweep_row(sweep);
  const auto other = db_.known_integer(
      "SELECT t.id FROM other.mvn_trial t JOIN other.mvn_sweep s ON s.id = t.sweep"
      " WHERE s.name = ? AND t.hash = ?",
      sweep, id);
  const auto position =
      db_.integer("SELECT position FROM main.mvn_trial WHERE sweep = ? AND hash = ?", own, id);
  const auto last = db_.integer("SELECT max(position) FROM main.mvn_trial WHERE sweep = ?", own);
  const auto current =
      db_.integer("SELECT current FROM main.mvn_trial WHERE sweep = ? AND hash = ?", own, id);
  db_.run("DELETE FROM main.mvn_trial WHERE sweep = ? AND hash = ?", own, id);
  db_.run(
      "INSERT INTO main.mvn_trial (sweep, hash, short, stage, group_hash, seed, state, reason,"
      " label, parameters, config, depends_on, position, current, created, draw, first_attempt)"
      " SELECT ?1, hash, short, stage, group_hash, seed, state, reason, label, parameters, config,"
      " depends_on, ?2, max(current, ?3), created, draw, first_attempt FROM other.mvn_trial"
      " WHERE id = ?4",
      own, position.value_or(last.value_or(-1) + 1), current.value_or(0), other);
  const auto row =
      db_.known_integer("SELECT id FROM main.mvn_trial WHERE sweep = ? AND hash = ?", own, id);
  db_.run("INSERT INTO merge_trial (other, own) VALUES (?, ?)", other, row);
}

void MergedRows::finish() {
  db_.run(
      "INSERT INTO main.mvn_attempt (trial, attempt, state, worker, device, started, ended,"
      " exit_code, signal, message, log_tail, host, pid, resumed_step, step, steps, reported_code,"
      " reported_message, spool_offset, stop, first_step)"
      " SELECT w.own, attempt, state, worker, device, started, ended, exit_code, signal, message,"
      " log_tail, host, pid, resumed_step, step, steps, reported_code, reported_message,"
      " spool_offset, stop, first_step FROM merge_trial w JOIN other.mvn_attempt a"
      " ON a.trial = w.other");
  db_.run(
      "INSERT INTO main.mvn_param (trial, name, value, origin) SELECT w.own, name, value, origin"
      " FROM merge_trial w JOIN other.mvn_param p ON p.trial = w.other");
  db_.run(
      "INSERT INTO main.mvn_metric (trial, name, step, attempt, value, time)"
      " SELECT w.own, n.own, step, attempt, value, time FROM merge_trial w"
      " JOIN other.mvn_metric m ON m.trial = w.other JOIN merge_name n ON n.other = m.name");
  db_.run(
      "INSERT INTO main.mvn_artifact (trial, attempt, kind, path, step, bytes, time)"
      " SELECT w.own, attempt, kind, path, step, bytes, time FROM merge_trial w"
      " JOIN other.mvn_artifact a ON a.trial = w.other ORDER BY a.id");
  db_.run(
      "INSERT INTO main.mvn_event (trial, attempt, time, level, message, record)"
      " SELECT w.own, attempt, time, level, message, record FROM merge_trial w"
      " JOIN other.mvn_event e ON e.trial = w.other ORDER BY e.id");
  db_.run(
      "INSERT INTO main.mvn_environment (trial, attempt, name, value)"
      " SELECT w.own, attempt, name, value FROM merge_trial w"
      " JOIN other.mvn_environment e ON e.trial = w.other");
  db_.run(
      "INSERT INTO main.mvn_cost (trial, attempt, name, value)"
      " SELECT w.own, attempt, name, value FROM merge_trial w"
      " JOIN other.mvn_cost c ON c.trial = w.other");
  db_.run(
      "INSERT INTO main.mvn_prediction (trial, split, example, label, predicted, confidence)"
      " SELECT w.own, split, example, label, predicted, confidence FROM merge_trial w"
      " JOIN other.mvn_prediction p ON p.trial = w.other");
  db_.run(
      "INSERT INTO main.mvn_removed (trial, path, time) SELECT w.own, path, time"
      " FROM merge_trial w JOIN other.mvn_removed r ON r.trial = w.other");
  std::vector<std::int64_t> sweeps;
  db_.each("SELECT own FROM merge_sweep",
           [&](SQLite::Statement& row) { sweeps.push_back(row.getColumn(0).getInt64()); });
  for (const auto sweep : sweeps) {
    relabel(sweep);
    make_run_view(db_.connection(), sweep);
  }
}

void MergedRows::relabel(std::int64_t sweep) {
  SweepPlan bare;
  std::vector<std::int64_t> rows;
  db_.each(
      "SELECT id, stage, parameters FROM main.mvn_trial WHERE sweep = ? AND current = 1"
      " ORDER BY position, id",
      [&](SQLite::Statement& row) {
        PlannedTrial trial;
        trial.stage = row.getColumn(1).getString();
        trial.parameters = db_.json(row, 2);
        bare.trials.push_back(std::move(trial));
        rows.push_back(row.getColumn(0).getInt64());
      },
      sweep);
  const auto texts = label_trials(bare);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    db_.run("UPDATE main.mvn_trial SET label = ?1 WHERE id = ?2 AND label <> ?1", texts[i],
            rows[i]);
  }
}

}  // namespace mvn
