#include "orchestrate/store/lookup.h"

#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {

std::vector<StoredTrial> stored_trials_of(Database& db, const std::string& sweep) {
  std::vector<StoredTrial> trials;
  db.each(
      "SELECT t.hash, t.state,"
      " (SELECT count(*) FROM mvn_attempt a WHERE a.trial = t.id)"
      " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep WHERE s.name = ?"
      " ORDER BY t.current DESC, t.position, t.id",
      [&](SQLite::Statement& row) {
        trials.push_back({row.getColumn(0).getString(), trial_state(row.getColumn(1).getString()),
                          row.getColumn(2).getInt()});
      },
      sweep);
  return trials;
}

std::vector<std::string> finished_with_prefix(Database& db, const std::string& prefix) {
  std::vector<std::string> ids;
  db.each(
      "SELECT DISTINCT hash FROM mvn_trial"
      " WHERE state = 'done' AND substr(hash, 1, length(?1)) = ?1 ORDER BY hash",
      [&](SQLite::Statement& row) { ids.push_back(row.getColumn(0).getString()); }, prefix);
  return ids;
}

std::filesystem::path folder_of(Database& db, const std::string& id) {
  std::filesystem::path folder;
  // Sweep by sweep, each of which has an index of its trials: otherwise all trials are looked at.
  db.each(
      "SELECT s.name FROM mvn_sweep s CROSS JOIN mvn_trial t ON t.sweep = s.id WHERE t.hash = ?"
      " ORDER BY t.state = 'done' DESC, t.id LIMIT 1",
      [&](SQLite::Statement& row) {
        folder = trial_paths("", row.getColumn(0).getString(), id).folder;
      },
      id);
  if (folder.empty()) throw Error(db.path().string() + ": no trial " + short_id(id));
  return folder;
}

FoundSweep find_sweep(Database& db, const std::string& wanted) {
  const auto file =
      wanted.empty() ? "" : std::filesystem::absolute(wanted).lexically_normal().string();
  FoundSweep found;
  std::vector<std::string> known;
  bool by_name = false;
  db.each("SELECT id, name, file FROM mvn_sweep ORDER BY id", [&](SQLite::Statement& row) {
    known.push_back(row.getColumn(1).getString());
    const bool named = known.back() == wanted;
    if (!named && (by_name || row.getColumn(2).getString() != file)) return;
    by_name = by_name || named;
    found = {row.getColumn(0).getInt64(), known.back()};
  });
  if (found.name.empty()) {
    throw ConfigError(
        "", db.path().string() + ": no sweep is called '" + wanted + "'" + suggest(wanted, known));
  }
  return found;
}

TrialNames names_of_trials(Database& db, const std::string& sweep) {
  const auto seeds = db.integer(
      "SELECT min(seed) < max(seed) FROM mvn_trial WHERE current = 1"
      " AND sweep = (SELECT id FROM mvn_sweep WHERE name = ?)",
      sweep);
  return {sweep, seeds.value_or(0) != 0};
}

}  // namespace mvn
