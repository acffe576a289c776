#include "orchestrate/exports/source.h"

#include <algorithm>
#include <limits>

#include "common/utf8.h"
#include "mvn/error.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/lookup.h"

namespace mvn {
namespace {

using Row = SQLite::Statement;

// Since then the views know of trials that were trained again from scratch.
constexpr std::int64_t kOldestVersion = 3;

std::string text_of(const Row& row, int column) {
  return replace_invalid_utf8(row.getColumn(column).getString());
}

std::optional<std::int64_t> integer_of(const Row& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return row.getColumn(column).getInt64();
}

std::optional<double> real_of(const Row& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return row.getColumn(column).getDouble();
}

Json value_of(const Row& row, int column) {
  const SQLite::Column value = row.getColumn(column);
  if (value.isNull()) return nullptr;
  if (value.isInteger()) return value.getInt64();
  if (value.isFloat()) return value.getDouble();
  return text_of(row, column);
}

std::unique_ptr<Database> open_results(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(std::filesystem::absolute(path).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  auto db = std::make_unique<Database>(path, Access::kRead);
  if (db->integer("PRAGMA user_version").value_or(0) < kOldestVersion) {
    throw Error(path.string() +
                ": written by an older mvn-runner; bring it up to date with 'mvn-runner collect "
                "--rebuild'");
  }
  return db;
}

// What a database from anywhere may hold in its place is no map.
Json map_of(const Database& db, const Row& row, int column) {
  Json map = db.json(row, column);
  if (map.is_object()) return map;
  throw DataError(db.path().string() + ": column '" + std::string(row.getColumn(column).getName()) +
                  "' holds no map");
}

constexpr auto* kPointsByStep =
    "SELECT name, step, value, time, attempt FROM mvn_value WHERE trial = ? ORDER BY step, name";
constexpr auto* kPointsByName =
    "SELECT name, step, value, time, attempt FROM mvn_value WHERE trial = ? ORDER BY name, step";

constexpr int kBetweenLooks = 4096;  // rows of points

ExportedTrial trial_of(const Database& db, const Row& row) {
  ExportedTrial trial;
  trial.id = text_of(row, 0);
  trial.trial = text_of(row, 1);
  trial.stage = text_of(row, 2);
  trial.label = text_of(row, 3);
  trial.group = text_of(row, 4);
  trial.state = text_of(row, 5);
  trial.metric = text_of(row, 6);
  trial.message = text_of(row, 7);
  trial.folder = text_of(row, 8);
  trial.seed = row.getColumn(9).getInt64();
  trial.current = row.getColumn(10).getInt() != 0;
  trial.parameters = map_of(db, row, 11);
  trial.objective = real_of(row, 12);
  trial.step = integer_of(row, 13);
  trial.steps = integer_of(row, 14);
  trial.draw = integer_of(row, 15);
  trial.attempts = row.getColumn(16).getInt64();
  trial.seconds = real_of(row, 17);
  return trial;
}

}  // namespace

struct ExportSource::State {
  std::unique_ptr<Database> db;
  std::int64_t sweep_row = 0;
  std::string sweep_name;   // as it is stored
  std::int64_t oldest = 1;  // the least `current` that is exported
  TrialNames names;
  std::map<std::int64_t, std::string> metrics;  // by their row

  // The first four columns are a metric's row, step, value, time; then the attempt.
  [[nodiscard]] ExportedPoint point(const Row& row) const {
    const auto name = metrics.find(row.getColumn(0).getInt64());
    if (name == metrics.end()) {
      throw DataError(db->path().string() + ": values of a metric without a name");
    }
    return {&name->second, row.getColumn(1).getInt64(),
            real_of(row, 2).value_or(std::numeric_limits<double>::quiet_NaN()),
            row.getColumn(3).getInt64(), row.getColumn(4).getInt64()};
  }

  void read_sweep(ExportedSweep& sweep) {
    db->each(
        "SELECT file, resolved, created FROM mvn_sweep WHERE id = ?",
        [&](Row& row) {
          sweep.file = text_of(row, 0);
          sweep.resolved = db->json(row, 1);
          sweep.created = row.getColumn(2).getInt64();
        },
        sweep_row);
    db->each(
        "SELECT g.stage, n.name, g.maximize FROM mvn_stage g"
        " JOIN mvn_metric_name n ON n.id = g.metric WHERE g.sweep = ? ORDER BY g.position",
        [&](Row& row) {
          sweep.stages.push_back(
              {text_of(row, 0), text_of(row, 1), row.getColumn(2).getInt() != 0});
        },
        sweep_row);
    db->each("SELECT id, name FROM mvn_metric_name",
             [&](Row& row) { metrics[row.getColumn(0).getInt64()] = text_of(row, 1); });
  }

  // What the view does not have.
  void add_stored(ExportedTrial& trial) const {
    db->each(
        "SELECT t.id, t.config,"
        " (SELECT min(a.started) FROM mvn_attempt a WHERE a.trial = t.id),"
        " (SELECT max(a.ended) FROM mvn_attempt a WHERE a.trial = t.id)"
        " FROM mvn_trial t WHERE t.sweep = ? AND t.hash = ?",
        [&](Row& row) {
          trial.row = row.getColumn(0).getInt64();
          trial.config = map_of(*db, row, 1);
          trial.started = integer_of(row, 2);
          trial.ended = integer_of(row, 3);
        },
        sweep_row, trial.id);
  }

  void read_metrics(ExportedSweep& sweep) {
    db->each(
        "SELECT n.name FROM mvn_metric_name n WHERE EXISTS (SELECT 1 FROM mvn_trial t"
        " CROSS JOIN mvn_metric m ON m.trial = t.id AND m.name = n.id"
        " WHERE t.sweep = ? AND t.current >= ?) ORDER BY n.name",
        [&](Row& row) { sweep.metrics.push_back(text_of(row, 0)); }, sweep_row, oldest);
    std::ranges::stable_partition(sweep.metrics, [&](const std::string& name) {
      return std::ranges::find(sweep.stages, name, &ExportedStage::metric) != sweep.stages.end();
    });
  }
};

ExportSource::ExportSource(const std::filesystem::path& database, const std::string& sweep,
                           bool all)
    : state_(std::make_unique<State>()) {
  translate_errors(database, [&] {
    state_->db = open_results(database);
    state_->db->run("BEGIN");
    const auto [row, name] = find_sweep(*state_->db, sweep);
    state_->sweep_row = row;
    state_->oldest = all ? 0 : 1;
    state_->names = names_of_trials(*state_->db, name);
    state_->sweep_name = name;
    sweep_.name = replace_invalid_utf8(name);
    state_->read_sweep(sweep_);
    state_->read_metrics(sweep_);
  });
}

ExportSource::~ExportSource() = default;

const std::filesystem::path& ExportSource::database() const { return state_->db->path(); }

std::int64_t ExportSource::trials() const {
  return translate_errors(database(), [&] {
    return state_->db->known_integer(
        "SELECT count(*) FROM mvn_trial WHERE sweep = ? AND current >= ?", state_->sweep_row,
        state_->oldest);
  });
}

void ExportSource::each_trial(const std::function<void(const ExportedTrial&)>& visit) {
  Database& db = *state_->db;
  translate_errors(database(), [&] {
    db.each(
        "SELECT id, trial, stage, params, group_id, state, metric, message, folder, seed, current,"
        " parameters, objective, step, steps, draw, attempts, seconds"
        " FROM trials WHERE sweep = ? AND current >= ?",
        [&](Row& row) {
          ExportedTrial trial = trial_of(db, row);
          trial.name = state_->names(trial.stage, trial.label, trial.seed);
          state_->add_stored(trial);
          look_up_();
          visit(trial);
        },
        state_->sweep_name, state_->oldest);
  });
}

void ExportSource::each_point(const ExportedTrial& trial, PointOrder order,
                              const std::function<void(const ExportedPoint&)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        order == PointOrder::kByStep ? kPointsByStep : kPointsByName,
        [&, count = 0](Row& row) mutable {
          if (++count % kBetweenLooks == 0) look_up_();
          visit(state_->point(row));
        },
        trial.row);
  });
}

void ExportSource::each_point_in_time(
    const std::function<void(std::int64_t trial, const ExportedPoint& point)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT m.name, m.step, m.value, m.time, m.attempt, m.trial FROM mvn_trial t"
        " CROSS JOIN mvn_value m ON m.trial = t.id WHERE t.sweep = ? AND t.current >= ?"
        " ORDER BY m.name, m.time, m.step, m.trial",
        [&, count = 0](Row& row) mutable {
          if (++count % kBetweenLooks == 0) look_up_();
          visit(row.getColumn(5).getInt64(), state_->point(row));
        },
        state_->sweep_row, state_->oldest);
  });
}

void ExportSource::each_point_of(const ExportedTrial& trial, const std::string& metric,
                                 const std::function<void(const ExportedPoint&)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT m.name, m.step, m.value, m.time, m.attempt FROM mvn_value m"
        " WHERE m.trial = ?1 AND m.name = (SELECT id FROM mvn_metric_name WHERE name = ?2)"
        " ORDER BY m.step",
        [&](Row& row) { visit(state_->point(row)); }, trial.row, metric);
  });
}

void ExportSource::each_final(const ExportedTrial& trial,
                              const std::function<void(const ExportedPoint&)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT m.name, m.step, m.value, m.time, m.attempt FROM mvn_metric_name n"
        " CROSS JOIN mvn_value m ON m.trial = ?1 AND m.name = n.id"
        " WHERE m.step = (SELECT max(x.step) FROM mvn_value x WHERE x.trial = ?1 AND x.name = n.id)"
        " ORDER BY n.name",
        [&](Row& row) { visit(state_->point(row)); }, trial.row);
  });
}

void ExportSource::each_param(const ExportedTrial& trial,
                              const std::function<void(const ExportedParam&)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT p.name, p.value, p.origin,"
        " EXISTS (SELECT 1 FROM json_each(t.parameters) j"
        "         WHERE j.key = p.name OR p.name LIKE j.key || '.%')"
        " FROM mvn_param p JOIN mvn_trial t ON t.id = p.trial WHERE p.trial = ? ORDER BY p.name",
        [&](Row& row) {
          visit(
              {text_of(row, 0), value_of(row, 1), row.getColumn(3).getInt() != 0, text_of(row, 2)});
        },
        trial.row);
  });
}

void ExportSource::each_cost(
    const ExportedTrial& trial,
    const std::function<void(const std::string& name, double value)>& visit) {
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT name, CASE WHEN name GLOB 'peak_*' THEN max(value) ELSE sum(value) END"
        " FROM mvn_cost WHERE trial = ? GROUP BY name ORDER BY name",
        [&](Row& row) { visit(text_of(row, 0), row.getColumn(1).getDouble()); }, trial.row);
  });
}

std::map<std::string, std::vector<std::string>> ExportSource::views() {
  std::map<std::string, std::vector<std::string>> views;
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT s.name, c.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c"
        " WHERE s.type = 'view' AND s.name NOT GLOB 'mvn_*' ORDER BY s.name, c.cid",
        [&](Row& row) { views[text_of(row, 0)].push_back(text_of(row, 1)); });
  });
  return views;
}

std::vector<std::string> ExportSource::own_tables() {
  std::vector<std::string> tables;
  translate_errors(database(), [&] {
    state_->db->each(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name GLOB 'mvn_*'"
        " ORDER BY name",
        [&](Row& row) { tables.push_back(text_of(row, 0)); });
  });
  return tables;
}

void each_step(ExportSource& source, const ExportedTrial& trial,
               const std::function<void(const ExportedStep&)>& visit) {
  ExportedStep step;
  source.each_point(trial, PointOrder::kByStep, [&](const ExportedPoint& point) {
    if (!step.values.empty() && point.step != step.step) {
      visit(step);
      step.values.clear();
      step.time = point.time;
    }
    step.step = point.step;
    step.time = std::max(step.time, point.time);
    step.values.emplace_back(*point.name, point.value);
  });
  if (!step.values.empty()) visit(step);
}

}  // namespace mvn
