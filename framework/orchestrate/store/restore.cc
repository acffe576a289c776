#include "orchestrate/store/restore.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/json.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/manifest.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

std::vector<int> attempts_on_disk(const TrialPaths& trial) {
  std::vector<int> attempts;
  const fs::path folder = trial.attempt(1).parent_path();
  if (!fs::is_directory(folder)) return attempts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) attempts.push_back(number);
  }
  std::ranges::sort(attempts);
  return attempts;
}

void restore_trial(Writer& writer, const TrialPaths& paths, std::int64_t row,
                   RestoreCounts& counts) {
  ++counts.trials;
  for (const int attempt : attempts_on_disk(paths)) {
    const AttemptKey key{row, attempt};
    if (!writer.has_attempt(key)) {  // the journal is lost
      writer.transact([&] { writer.start(key, {"", "", now_ms()}); });
    }
    counts.records += static_cast<std::int64_t>(writer.ingest(key, paths.spool(attempt)).size());
    ++counts.attempts;
  }
  const AttemptKey last{row, writer.last_attempt(row)};
  if (writer.ended_well(last) && !fs::exists(paths.attempt(last.attempt))) {
    writer.transact([&] { writer.lose(last, "its files are gone, and its results with them"); });
    ++counts.lost;
  }
}

}  // namespace

RestoreCounts restore_sweep(Writer& writer, const fs::path& results, const std::string& sweep) {
  const SweepPaths paths = sweep_paths(results, sweep);
  RestoreCounts counts;
  Json manifest = read_json(paths.manifest());
  const auto damaged = [&](const std::exception& error) {
    return DataError(paths.folder.string() +
                     ": sweep.json or runner.jsonl is damaged: " + error.what());
  };
  try {
    manifest["name"] = sweep;  // a folder may have been renamed
    writer.transact([&] {
      store_manifest(writer.database(), manifest);
      for (const auto& record : read_journal(paths)) replay_record(writer, sweep, record);
    });
  } catch (const Json::exception& error) {
    throw damaged(error);
  } catch (const DataError& error) {
    throw damaged(error);
  }
  for (const auto& id : writer.trial_ids(sweep)) {
    restore_trial(writer, trial_paths(results, sweep, id), writer.trial_row(sweep, id), counts);
  }
  return counts;
}

}  // namespace mvn
