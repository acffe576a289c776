#include "orchestrate/store/rebuild.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/restore.h"
#include "orchestrate/store/store.h"
#include "orchestrate/store/writer.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// The names of the results folder's sweeps, sorted.
std::vector<std::string> sweeps_on_disk(const fs::path& results) {
  std::vector<std::string> sweeps;
  for (const auto& entry : fs::directory_iterator(results)) {
    const std::string name = entry.path().filename().string();
    if (is_sweep_name(name) && fs::exists(SweepPaths{entry.path()}.manifest())) {
      sweeps.push_back(name);
    }
  }
  std::ranges::sort(sweeps);
  return sweeps;
}

RebuildSummary fill(const fs::path& database, const fs::path& results,
                    const std::vector<std::string>& sweeps) {
  RebuildSummary summary{.sweeps = sweeps, .kept = {}};
  Writer writer(database);
  for (const auto& sweep : sweeps) {
    const RestoreCounts counts = restore_sweep(writer, results, sweep);
    summary.trials += counts.trials;
    summary.attempts += counts.attempts;
    summary.records += counts.records;
    summary.lost += counts.lost;
  }
  for (const auto& open : writer.running_attempts()) {
    const AttemptKey key{writer.trial_row(open.sweep, open.id), open.attempt};
    writer.transact([&] { writer.end(key, writer.end_by_spool(key), now_ms()); });
  }
  return summary;
}

void remove_database(const fs::path& path) {
  for (const char* suffix : {"-wal", "-shm", ""}) fs::remove(path.string() + suffix);
}

// A WAL must never meet another database than its own: it moves first, with the old one.
fs::path set_aside(const fs::path& database) {
  if (!fs::exists(database)) return {};
  fs::path kept = database;
  kept += ".before-rebuild";
  remove_database(kept);
  for (const char* suffix : {"-wal", "-shm", ""}) {
    const fs::path file = database.string() + suffix;
    if (fs::exists(file)) fs::rename(file, kept.string() + suffix);
  }
  return kept;
}

}  // namespace

RebuildSummary rebuild_database(const fs::path& results) {
  const fs::path database = database_path(results);
  if (!fs::is_directory(results)) throw Error(results.string() + ": no such folder");
  const auto sweeps = sweeps_on_disk(results);
  if (sweeps.empty()) {
    throw Error(results.string() + ": holds no sweep (no folder with a sweep.json)");
  }
  fs::path fresh = database;
  fresh += ".rebuild";
  remove_database(fresh);
  RebuildSummary summary;
  try {
    summary = translate_errors(fresh, [&] { return fill(fresh, results, sweeps); });
  } catch (...) {
    remove_database(fresh);
    throw;
  }
  summary.kept = set_aside(database);
  fs::rename(fresh, database);
  return summary;
}

}  // namespace mvn
