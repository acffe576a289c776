#include "orchestrate/store/restore.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include "common/json.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/history.h"
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

// An exit code, a signal or an attempt's number.
int small_number(const Json& record, const char* field) {
  const auto number = whole_number(record.at(field));
  if (number && *number >= 0 && *number <= std::numeric_limits<int>::max()) {
    return static_cast<int>(*number);
  }
  throw DataError(std::string("'") + field + "' is " + record.at(field).dump());
}

AttemptEnd end_from(const Json& record) {
  AttemptEnd end;
  end.state = trial_state(record.at("state").get<std::string>());
  if (record.contains("exit_code")) end.exit_code = small_number(record, "exit_code");
  if (record.contains("signal")) end.signal = small_number(record, "signal");
  end.message = record.value("message", "");
  end.log_tail = record.value("log_tail", "");
  return end;
}

void replay(Writer& writer, const std::string& sweep, const Json& record) {
  const std::string type = record.at("type");
  if (type == "draw") return store_draw(writer.database(), sweep, record, /*newest=*/false);
  const std::int64_t trial = writer.trial_row(sweep, record.at("id").get<std::string>());
  if (type == "block") return writer.block(trial, record.at("reason").get<std::string>());
  const AttemptKey key{trial, small_number(record, "attempt")};
  const auto time = record.at("at").get<std::int64_t>();
  if (type == "attempt_start") {
    writer.start(key, {record.value("worker", ""), record.value("device", ""), time,
                       record.value("environment", Json::object()), record.value("fresh", false)});
  } else if (type == "stop") {
    writer.note_stop(key, record.at("decision"));
  } else if (type == "attempt_end") {
    writer.end(key, end_from(record), time);
  }
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
      for (const auto& record : read_journal(paths)) replay(writer, sweep, record);
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
