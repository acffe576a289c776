#include "orchestrate/store/history.h"

#include <limits>

#include "orchestrate/store/manifest.h"
#include "orchestrate/store/run_views.h"

namespace mvn {
namespace {

std::int64_t sweep_row(Database& db, const std::string& sweep) {
  return db.integer("SELECT id FROM mvn_sweep WHERE name = ?", sweep).value_or(0);
}

double value_of(SQLite::Statement& row, int column) {
  return row.isColumnNull(column) ? std::numeric_limits<double>::quiet_NaN()
                                  : row.getColumn(column).getDouble();
}

}  // namespace

std::vector<TrialHistory> trial_histories(Database& db, const std::string& sweep) {
  std::vector<TrialHistory> histories;
  db.each(
      "SELECT t.hash, t.state, (SELECT a.stop FROM mvn_attempt a WHERE a.trial = t.id"
      "   ORDER BY a.attempt DESC LIMIT 1),"
      " m.step, m.value FROM mvn_trial t"
      " JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
      " LEFT JOIN mvn_value m ON m.trial = t.id AND m.name = g.metric"
      " WHERE t.sweep = ? ORDER BY t.id, m.step",
      [&](SQLite::Statement& row) {
        const std::string id = row.getColumn(0).getString();
        if (histories.empty() || histories.back().id != id) {
          histories.push_back({id, trial_state(row.getColumn(1).getString()), {}, {}});
          if (!row.isColumnNull(2)) {
            histories.back().stop = db.json(row, 2);
          }
        }
        if (!row.isColumnNull(3)) {
          histories.back().curve[row.getColumn(3).getInt64()] = value_of(row, 4);
        }
      },
      sweep_row(db, sweep));
  return histories;
}

bool has_reported(Database& db, const std::string& sweep, const std::string& id) {
  return db
      .integer(
          "SELECT 1 FROM mvn_trial own JOIN mvn_trial t ON t.sweep = own.sweep"
          "   AND t.stage = own.stage AND t.group_hash = own.group_hash"
          " WHERE own.sweep = ? AND own.hash = ?"
          " AND (EXISTS (SELECT 1 FROM mvn_metric m WHERE m.trial = t.id)"
          "   OR EXISTS (SELECT 1 FROM mvn_attempt a WHERE a.trial = t.id AND a.step > 0)) LIMIT 1",
          sweep_row(db, sweep), id)
      .has_value();
}

std::vector<std::string> metric_names(Database& db, const std::string& sweep,
                                      const std::string& id) {
  std::vector<std::string> names;
  db.each(
      "SELECT n.name FROM mvn_metric_name n JOIN mvn_trial t ON t.sweep = ? AND t.hash = ?"
      " WHERE EXISTS (SELECT 1 FROM mvn_metric m WHERE m.trial = t.id AND m.name = n.id)"
      " ORDER BY n.name",
      [&](SQLite::Statement& row) { names.push_back(row.getColumn(0).getString()); },
      sweep_row(db, sweep), id);
  return names;
}

bool has_metric(Database& db, const std::string& sweep, const std::string& stage,
                const std::string& metric) {
  return db
      .integer(
          "SELECT 1 FROM mvn_trial t JOIN mvn_metric_name n ON n.name = ?"
          " WHERE t.sweep = ? AND t.stage = ?"
          " AND EXISTS (SELECT 1 FROM mvn_metric m WHERE m.trial = t.id AND m.name = n.id) LIMIT 1",
          metric, sweep_row(db, sweep), stage)
      .has_value();
}

std::vector<AttemptSpan> attempt_spans(Database& db, const std::string& sweep) {
  std::vector<AttemptSpan> spans;
  db.each(
      "SELECT a.device, a.started, a.ended FROM mvn_attempt a JOIN mvn_trial t ON t.id = a.trial"
      " WHERE t.sweep = ?",
      [&](SQLite::Statement& row) {
        AttemptSpan span{row.getColumn(0).getString(), row.getColumn(1).getInt64(), {}};
        if (!row.isColumnNull(2)) span.ended = row.getColumn(2).getInt64();
        spans.push_back(std::move(span));
      },
      sweep_row(db, sweep));
  return spans;
}

std::vector<Point> stored_draws(Database& db, const std::string& sweep, const std::string& stage,
                                const std::string& search, std::size_t first) {
  std::vector<Point> points;
  if (db.integer("PRAGMA user_version").value_or(0) < 2) return points;  // read-only, of before
  db.each(
      "SELECT draw, point FROM mvn_draw WHERE sweep = ? AND stage = ? AND search = ?"
      " ORDER BY draw",
      [&](SQLite::Statement& row) {
        if (row.getColumn(0).getInt64() != static_cast<std::int64_t>(first + points.size())) return;
        points.push_back(db.json(row, 1).get<Point>());
      },
      sweep_row(db, sweep), stage, search);
  return points;
}

Json draw_record(const StoredDraw& draw, const std::vector<PlannedTrial>& trials,
                 const std::vector<std::string>& labels, std::int64_t time) {
  Json record = {{"type", "draw"},      {"stage", draw.stage}, {"search", draw.search},
                 {"draw", draw.number}, {"point", draw.point}, {"at", time}};
  record["trials"] = Json::array();
  for (std::size_t i = 0; i < trials.size(); ++i) {
    record["trials"].push_back(manifest_of(trials[i], labels[i]));
  }
  return record;
}

void store_draw(Database& db, const std::string& sweep, const Json& record, bool newest) {
  const std::int64_t row = sweep_row(db, sweep);
  const auto time = record.at("at").get<std::int64_t>();
  db.run(
      "INSERT INTO mvn_draw (sweep, stage, search, draw, point, created) VALUES (?, ?, ?, ?, ?, ?)"
      " ON CONFLICT DO NOTHING",
      row, record.at("stage").get<std::string>(), record.at("search").get<std::string>(),
      record.at("draw").get<std::int64_t>(), record.at("point").dump(), time);
  for (const auto& trial : record.at("trials")) {
    const auto known = db.integer("SELECT 1 FROM mvn_trial WHERE sweep = ? AND hash = ?", row,
                                  trial.at("id").get<std::string>());
    if (known && !newest) continue;
    const auto position =
        db.integer("SELECT max(position) FROM mvn_trial WHERE sweep = ?", row).value_or(-1) + 1;
    store_trial(db, row, trial, time, static_cast<int>(position));
  }
  make_run_view(db.connection(), row);  // an axis under `when` may be new
}

}  // namespace mvn
