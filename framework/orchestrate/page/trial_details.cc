#include "orchestrate/page/trial_details.h"

#include <algorithm>
#include <vector>

#include "common/input_file.h"
#include "common/secrets.h"
#include "common/text.h"
#include "common/trial.h"
#include "common/utf8.h"
#include "mvn/error.h"
#include "orchestrate/page/rows.h"
#include "orchestrate/workers/trial_command.h"

namespace mvn {
namespace {

constexpr std::size_t kLogLines = 40;
constexpr std::size_t kLongestValue = 4000;  // of the environment

TrialPaths paths_of(Database& db, const DetailedTrial& trial) {
  return trial_paths(db.path().parent_path(), trial.sweep, trial.id);
}

int last_attempt(Database& db, const DetailedTrial& trial) {
  return static_cast<int>(
      db.integer("SELECT max(attempt) FROM mvn_attempt WHERE trial = ?", trial.row).value_or(0));
}

// The lines at its end, the first of which may be cut.
std::string tail_of(const std::filesystem::path& log, std::size_t bytes) {
  const InputFile in(log);
  std::string text(std::min<std::uint64_t>(in.size(), bytes), '\0');
  text.resize(in.read_at(in.size() - text.size(), text.data(), text.size()));
  return last_lines(replace_invalid_utf8(text), kLogLines);
}

}  // namespace

DetailedTrial trial_of(Database& db, const std::string& sweep, const std::string& short_id) {
  DetailedTrial trial;
  db.each(
      "SELECT t.id, t.hash FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
      " WHERE t.short = substr(?2, 1, 12) AND s.name = ?1",
      [&](SQLite::Statement& row) {
        trial = {row.getColumn(0).getInt64(), sweep, row.getColumn(1).getString()};
      },
      sweep, short_id);
  if (trial.id.empty()) throw ConfigError("", "no trial of " + sweep + " is called " + short_id);
  return trial;
}

Json configuration_of(Database& db, const DetailedTrial& trial) {
  Json config = Json::object();
  db.each(
      "SELECT name, value FROM mvn_param WHERE trial = ?",
      [&](SQLite::Statement& row) {
        config[row.getColumn(0).getString()] = json_of(row.getColumn(1));
      },
      trial.row);
  return config;
}

Json environment_of(Database& db, const DetailedTrial& trial) {
  Json environment = Json::object();
  db.each(
      "SELECT name, value FROM mvn_environment WHERE trial = ?1"
      " AND attempt = (SELECT max(attempt) FROM mvn_environment WHERE trial = ?1)",
      [&](SQLite::Statement& row) {
        auto value = json_of(row.getColumn(1));
        // The differences to a commit, say.
        if (value.is_string()) value = shortened(value.get<std::string>(), kLongestValue);
        environment[row.getColumn(0).getString()] = std::move(value);
      },
      trial.row);
  return environment;
}

Json history_of(Database& db, const DetailedTrial& trial) {
  Json starts_from = Json::array();
  db.each(
      "SELECT depends_on FROM mvn_trial WHERE id = ?",
      [&](SQLite::Statement& row) {
        for (const auto& id : db.json(row, 0)) {
          starts_from.push_back(short_id(id.get_ref<const std::string&>()));
        }
      },
      trial.row);
  return {{"attempts", rows_of(db,
                               "SELECT attempt, state, worker, device, host, started, ended,"
                               " exit_code, signal, message, step, steps, resumed_step"
                               " FROM mvn_attempt WHERE trial = ? ORDER BY attempt",
                               trial.row)},
          {"artifacts", rows_of(db,
                                "SELECT kind, path, step, bytes FROM mvn_artifact WHERE trial = ?"
                                " ORDER BY id DESC LIMIT 50",
                                trial.row)},
          {"events", rows_of(db,
                             "SELECT level, message, time, attempt FROM mvn_event WHERE trial = ?"
                             " ORDER BY id DESC LIMIT 20",
                             trial.row)},
          {"costs", rows_of(db,
                            "SELECT name, CASE WHEN name GLOB 'peak_*' THEN max(value)"
                            " ELSE sum(value) END AS value FROM mvn_cost WHERE trial = ?"
                            " GROUP BY name",
                            trial.row)},
          {"starts_from", std::move(starts_from)}};
}

std::string command_of(Database& db, const DetailedTrial& trial) {
  const int attempt = last_attempt(db, trial);
  if (attempt == 0) return "";
  const auto file = path_text(paths_of(db, trial).trial_file(attempt));
  Json config;
  db.each(
      "SELECT config FROM mvn_trial WHERE id = ?",
      [&](SQLite::Statement& row) { config = db.json(row, 0); }, trial.row);
  if (!has_own_program(config)) return shell_text({"mvn-worker", "run", file});
  try {
    auto words = trial_command(config, file);
    mask_words(words);
    return shell_text(words);
  } catch (const Error&) {
    return "";  // written by another version, or damaged
  }
}

std::string log_of(Database& db, const DetailedTrial& trial, std::size_t bytes) {
  const int attempt = last_attempt(db, trial);
  if (attempt == 0) return "";
  std::string text;
  try {
    const auto log = paths_of(db, trial).log(attempt);
    require_below(db.path().parent_path(), log);
    text = tail_of(log, bytes);
  } catch (const Error&) {
    // The folder is not here; of an attempt that failed the database has the last lines.
    db.each(
        "SELECT coalesce(log_tail, '') FROM mvn_attempt WHERE trial = ? AND attempt = ?",
        [&](SQLite::Statement& row) { text = row.getColumn(0).getString(); }, trial.row, attempt);
  }
  return text_without_secrets(text);
}

std::filesystem::path folder_of(Database& db, const DetailedTrial& trial) {
  return paths_of(db, trial).folder;
}

}  // namespace mvn
