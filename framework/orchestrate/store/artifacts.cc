#include "orchestrate/store/artifacts.h"

#include <map>
#include <optional>

#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr auto* kArtifacts =
    "SELECT s.name, t.stage, t.hash, t.state, t.label, t.seed, a.kind, a.path,"
    " coalesce(a.step, 0), coalesce(a.bytes, 0),"
    " EXISTS (SELECT 1 FROM mvn_removed r WHERE r.trial = a.trial AND r.path = a.path"
    "         AND r.time >= a.time), t.id"
    " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep JOIN mvn_artifact a ON a.trial = t.id"
    " WHERE ?1 = '' OR s.name = ?1 ORDER BY s.id, t.current DESC, t.position, t.id, a.id";

// Of before anything was removed.
constexpr auto* kEarlierArtifacts =
    "SELECT s.name, t.stage, t.hash, t.state, t.label, t.seed, a.kind, a.path,"
    " coalesce(a.step, 0), coalesce(a.bytes, 0), 0, t.id"
    " FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep JOIN mvn_artifact a ON a.trial = t.id"
    " WHERE ?1 = '' OR s.name = ?1 ORDER BY s.id, t.current DESC, t.position, t.id, a.id";

// A trial reports where it is; the results may have been moved, or merged from another machine.
fs::path place_now(const fs::path& results, const StoredArtifact& artifact) {
  const fs::path reported = artifact.reported;
  const fs::path folder = trial_paths(results, artifact.sweep, artifact.trial).folder;
  fs::path rest;
  bool below = false;
  for (const auto& part : reported) {
    if (below) rest /= part;
    below = below || part == short_id(artifact.trial);
  }
  const bool climbs = rest.lexically_normal().string().starts_with("..");
  return below && !rest.empty() && !climbs ? folder / rest : reported;
}

std::vector<std::string> sweep_names(Database& db) {
  std::vector<std::string> names;
  db.each("SELECT name FROM mvn_sweep ORDER BY id",
          [&](SQLite::Statement& row) { names.push_back(row.getColumn(0).getString()); });
  return names;
}

Database open(const fs::path& results) {
  const auto path = database_path(results);
  if (!fs::exists(path)) {
    throw Error(path_text(path) +
                ": no such database; name the folder of the results with --results");
  }
  return {path, Access::kRead};
}

void require(Database& db, const std::string& sweep) {
  const auto names = sweep_names(db);
  if (std::find(names.begin(), names.end(), sweep) != names.end()) return;
  throw ConfigError("", "no sweep of " + path_text(db.path()) + " is called '" + sweep + "'" +
                            suggest(sweep, names));
}

}  // namespace

void require_sweep(const fs::path& results, const std::string& sweep) {
  translate_errors(database_path(results), [&] {
    Database db = open(results);
    require(db, sweep);
  });
}

std::vector<StoredArtifact> stored_artifacts(const fs::path& results, const std::string& sweep) {
  return translate_errors(database_path(results), [&] {
    Database db = open(results);
    if (!sweep.empty()) require(db, sweep);
    constexpr int kRemovalsKnown = 6;
    const bool known = db.integer("PRAGMA user_version").value_or(0) >= kRemovalsKnown;
    std::vector<StoredArtifact> artifacts;
    std::map<std::pair<std::int64_t, std::string>, std::size_t> seen;
    db.each(
        known ? kArtifacts : kEarlierArtifacts,
        [&](SQLite::Statement& row) {
          StoredArtifact artifact;
          artifact.sweep = row.getColumn(0).getString();
          artifact.stage = row.getColumn(1).getString();
          artifact.trial = row.getColumn(2).getString();
          artifact.state = row.getColumn(3).getString();
          artifact.label = row.getColumn(4).getString();
          artifact.seed = row.getColumn(5).getInt64();
          artifact.kind = row.getColumn(6).getString();
          artifact.reported = row.getColumn(7).getString();
          artifact.step = row.getColumn(8).getInt64();
          artifact.bytes = row.getColumn(9).getInt64();
          artifact.removed = row.getColumn(10).getInt() != 0;
          artifact.path = place_now(results, artifact);
          const auto [place, is_new] =
              seen.try_emplace({row.getColumn(11).getInt64(), artifact.reported}, artifacts.size());
          if (is_new) {
            artifacts.push_back(std::move(artifact));
          } else {
            artifacts[place->second] = std::move(artifact);
          }
        },
        sweep);
    return artifacts;
  });
}

std::uintmax_t bytes_on_disk(const fs::path& path) {
  std::error_code gone;
  const auto status = fs::symlink_status(path, gone);
  if (fs::is_regular_file(status)) return fs::file_size(path, gone);
  std::uintmax_t bytes = 0;
  if (!fs::is_directory(status)) return bytes;
  for (const auto& entry : fs::recursive_directory_iterator(path, gone)) {
    std::error_code none;
    if (entry.is_symlink(none) || !entry.is_regular_file(none)) continue;
    const auto size = entry.file_size(none);
    if (!none) bytes += size;
  }
  return bytes;
}

}  // namespace mvn
