#include "orchestrate/store/reader.h"

#include <limits>
#include <map>

#include "mvn/error.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/history.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/lookup.h"

namespace mvn {
namespace {

using Row = SQLite::Statement;

std::unique_ptr<Database> open_for_reading(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) throw Error(path.string() + ": no such database");
  return std::make_unique<Database>(path, Access::kRead);
}

// Trials by their row; attempts are looked up by it and their number.
class History {
 public:
  explicit History(Database& db) : db_(db) {}

  std::vector<PastTrial> read() {
    trials();
    attempts();
    threads();
    speeds();
    costs();
    artifacts();
    std::vector<PastTrial> started;
    for (auto& [row, trial] : trials_) {
      if (!trial.attempts.empty()) started.push_back(std::move(trial));
    }
    return started;
  }

 private:
  void trials() {
    db_.each(
        "SELECT t.id, s.name, t.hash, t.group_hash, t.stage, t.state, t.config"
        " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep",
        [&](Row& row) {
          auto& trial = trials_[row.getColumn(0).getInt64()];
          trial.sweep = row.getColumn(1).getString();
          trial.id = row.getColumn(2).getString();
          trial.group = row.getColumn(3).getString();
          trial.stage = row.getColumn(4).getString();
          trial.state = trial_state(row.getColumn(5).getString());
          trial.config = db_.json(row, 6);
        });
  }

  void attempts() {
    db_.each(
        "SELECT trial, attempt, state, device, host, (ended - started) / 1000.0, resumed_step,"
        " step, steps FROM mvn_attempt ORDER BY trial, attempt",
        [&](Row& row) {
          PastAttempt attempt;
          attempt.number = row.getColumn(1).getInt();
          attempt.state = trial_state(row.getColumn(2).getString());
          attempt.device = row.getColumn(3).getString();
          attempt.host = row.getColumn(4).getString();
          attempt.seconds = row.getColumn(5).getDouble();
          attempt.resumed_step = row.getColumn(6).getInt64();
          attempt.step = row.getColumn(7).getInt64();
          attempt.steps = row.getColumn(8).getInt64();
          trials_[row.getColumn(0).getInt64()].attempts.push_back(std::move(attempt));
        });
  }

  void threads() {
    db_.each(
        "SELECT a.trial, a.attempt, e.value FROM mvn_attempt a JOIN mvn_environment e"
        " ON e.trial = a.trial AND e.attempt = a.attempt AND e.name = 'threads'",
        [&](Row& row) {
          if (auto* attempt = find(row)) attempt->threads = row.getColumn(2).getInt64();
        });
  }

  // Starting up is not part of it, nor what follows the last step.
  void speeds() {
    db_.each(
        "SELECT a.trial, a.attempt, (z.time - f.time) / 1000.0 / (z.step - f.step)"
        " FROM mvn_attempt a JOIN mvn_metric_name n ON n.name = 'train/loss'"
        " JOIN mvn_metric f ON f.trial = a.trial AND f.name = n.id AND f.attempt = a.attempt"
        "  AND f.step = (SELECT min(m.step) FROM mvn_metric m WHERE m.trial = a.trial"
        "                AND m.name = n.id AND m.attempt = a.attempt)"
        " JOIN mvn_metric z ON z.trial = a.trial AND z.name = n.id AND z.attempt = a.attempt"
        "  AND z.step = (SELECT max(m.step) FROM mvn_metric m WHERE m.trial = a.trial"
        "                AND m.name = n.id AND m.attempt = a.attempt)"
        " WHERE z.step > f.step",
        [&](Row& row) {
          if (auto* attempt = find(row)) attempt->seconds_per_step = row.getColumn(2).getDouble();
        });
  }

  void costs() {
    db_.each("SELECT trial, attempt, name, value FROM mvn_cost WHERE name GLOB 'peak_*_bytes'",
             [&](Row& row) {
               auto* attempt = find(row);
               if (attempt == nullptr) return;
               const auto name = row.getColumn(2).getString();
               const double value = row.getColumn(3).getDouble();
               if (name == "peak_host_bytes") attempt->peak_host_bytes = value;
               if (name == "peak_device_bytes") attempt->peak_device_bytes = value;
               if (name == "peak_checkpoint_bytes") attempt->peak_checkpoint_bytes = value;
             });
  }

  void artifacts() {
    db_.each(
        "SELECT trial, sum(bytes) FROM (SELECT trial, path, max(bytes) AS bytes FROM mvn_artifact"
        " GROUP BY trial, path) GROUP BY trial",
        [&](Row& row) {
          trials_[row.getColumn(0).getInt64()].kept_bytes = row.getColumn(1).getDouble();
        });
  }

  // The attempt that the first two columns name.
  PastAttempt* find(Row& row) {
    for (auto& attempt : trials_[row.getColumn(0).getInt64()].attempts) {
      if (attempt.number == row.getColumn(1).getInt()) return &attempt;
    }
    return nullptr;
  }

  Database& db_;
  std::map<std::int64_t, PastTrial> trials_;
};

struct SweepFile {
  std::filesystem::path file;
  std::string place;
};

// By the database or, where that does not know the sweep, by its folder; empty where there is none.
SweepFile sweep_file(const std::filesystem::path& results, const std::string& sweep) {
  SweepFile found;
  const auto path = database_path(results);
  if (std::filesystem::exists(path)) {
    translate_errors(path, [&] {
      Database db(path, Access::kRead);
      const bool placed = db.integer("PRAGMA user_version").value_or(0) >= 4;
      db.each(
          placed ? "SELECT file, place FROM mvn_sweep WHERE name = ?"
                 : "SELECT file, NULL FROM mvn_sweep WHERE name = ?",
          [&](Row& row) {
            found = {row.getColumn(0).getString(), row.getColumn(1).getString()};
          },
          sweep);
    });
  }
  const auto manifest = sweep_paths(results, sweep).manifest();
  if (!found.file.empty() || !std::filesystem::exists(manifest)) return found;
  const Json json = read_json(manifest);
  return {json.value("file", ""), json.value("place", "")};
}

}  // namespace

std::string place_of(const std::filesystem::path& file, const std::filesystem::path& results) {
  const auto whole = [](const auto& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
  };
  return whole(file).lexically_relative(whole(results)).string();
}

std::filesystem::path other_sweep_file(const std::filesystem::path& results,
                                       const std::string& sweep,
                                       const std::filesystem::path& file) {
  const SweepFile known = sweep_file(results, sweep);
  std::error_code gone;
  const bool other = std::filesystem::exists(known.file, gone) &&
                     !std::filesystem::equivalent(known.file, file, gone) &&
                     known.place != place_of(file, results);
  return other ? known.file : std::filesystem::path();
}

struct ResultsReader::State {
  std::unique_ptr<Database> db;
};

ResultsReader::ResultsReader(const std::filesystem::path& database)
    : state_(translate_errors(
          database, [&] { return std::make_unique<State>(State{open_for_reading(database)}); })) {}

ResultsReader::~ResultsReader() = default;

std::vector<StoredTrial> ResultsReader::trials(const std::string& sweep) const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return stored_trials_of(db, sweep); });
}

std::vector<std::string> ResultsReader::finished_with_prefix(const std::string& prefix) const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return mvn::finished_with_prefix(db, prefix); });
}

std::filesystem::path ResultsReader::folder_of(const std::string& id) const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return mvn::folder_of(db, id); });
}

std::vector<TrialHistory> ResultsReader::histories(const std::string& sweep) const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return trial_histories(db, sweep); });
}

std::vector<Point> ResultsReader::draws(const std::string& sweep, const std::string& stage,
                                        const std::string& search, std::size_t first) const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return stored_draws(db, sweep, stage, search, first); });
}

std::vector<PastTrial> ResultsReader::history() const {
  Database& db = *state_->db;
  return translate_errors(db.path(), [&] { return History(db).read(); });
}

std::vector<Fingerprint> ResultsReader::fingerprints(const std::string& sweep) const {
  Database& db = *state_->db;
  std::vector<Fingerprint> prints;
  translate_errors(db.path(), [&] {
    db.each(
        "SELECT t.hash, e.name, e.value FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
        " JOIN mvn_environment e ON e.trial = t.id AND e.attempt ="
        " (SELECT max(a.attempt) FROM mvn_attempt a WHERE a.trial = t.id)"
        " WHERE s.name = ? AND (e.name IN ('libmvn', 'torch') OR e.name GLOB 'plugin.*'"
        " OR e.name GLOB 'data.*' OR e.name GLOB 'tokenizer.*' OR e.name GLOB 'weights.*'"
        " OR e.name GLOB 'program.*')",
        [&](Row& row) {
          prints.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                            row.getColumn(2).getString()});
        },
        sweep);
  });
  return prints;
}

std::vector<TrialRecord> ResultsReader::with_prefix(const std::string& prefix) const {
  Database& db = *state_->db;
  std::vector<TrialRecord> records;
  translate_errors(db.path(), [&] {
    db.each(
        "SELECT s.name, s.file, t.hash, t.group_hash, t.stage, t.seed, t.config, t.parameters,"
        " t.depends_on, t.state, coalesce(n.name, ''), coalesce(g.maximize, 0)"
        " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
        " LEFT JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage"
        " LEFT JOIN mvn_metric_name n ON n.id = g.metric"
        " WHERE substr(t.hash, 1, length(?1)) = ?1 ORDER BY t.hash, t.id",
        [&](Row& row) {
          TrialRecord record;
          record.sweep = row.getColumn(0).getString();
          record.file = row.getColumn(1).getString();
          record.trial.id = row.getColumn(2).getString();
          record.trial.group = row.getColumn(3).getString();
          record.trial.stage = row.getColumn(4).getString();
          record.trial.seed = row.getColumn(5).getInt64();
          record.trial.config = db.json(row, 6);
          record.trial.parameters = db.json(row, 7);
          record.trial.depends_on = db.json(row, 8).get<std::vector<std::string>>();
          record.state = trial_state(row.getColumn(9).getString());
          record.metric = row.getColumn(10).getString();
          record.maximize = row.getColumn(11).getInt() != 0;
          records.push_back(std::move(record));
        },
        prefix);
  });
  return records;
}

MetricValues ResultsReader::metrics(const std::string& sweep, const std::string& id) const {
  Database& db = *state_->db;
  MetricValues values;
  translate_errors(db.path(), [&] {
    db.each(
        "SELECT name, step, value FROM metrics WHERE trial = substr(?2, 1, 12) AND sweep = ?1",
        [&](Row& row) {
          const auto column = row.getColumn(2);
          values[{row.getColumn(0).getString(), row.getColumn(1).getInt64()}] =
              column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
        },
        sweep, id);
  });
  return values;
}

std::map<std::string, std::string> ResultsReader::environment(const std::string& sweep,
                                                              const std::string& id) const {
  Database& db = *state_->db;
  std::map<std::string, std::string> values;
  translate_errors(db.path(), [&] {
    db.each(
        "SELECT e.name, e.value FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
        " JOIN mvn_environment e ON e.trial = t.id AND e.attempt ="
        " (SELECT max(a.attempt) FROM mvn_attempt a WHERE a.trial = t.id)"
        " WHERE s.name = ? AND t.hash = ?",
        [&](Row& row) { values[row.getColumn(0).getString()] = row.getColumn(1).getString(); },
        sweep, id);
  });
  return values;
}

}  // namespace mvn
