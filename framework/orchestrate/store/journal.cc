#include "orchestrate/store/journal.h"

#include <iterator>
#include <limits>

#include "common/printable.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/history.h"

namespace mvn {

namespace {

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

}  // namespace

SweepPaths sweep_paths(const std::filesystem::path& results, const std::string& sweep) {
  if (!is_sweep_name(sweep)) {
    throw DataError("'" + printable(sweep) + "' cannot be a sweep's name: it is no folder's");
  }
  SweepPaths paths{results / sweep};
  require_below(results, paths.folder);
  return paths;
}

std::vector<Json> read_journal(const SweepPaths& paths) {
  std::vector<Json> records;
  for (std::uint64_t offset = 0;;) {
    SpoolBatch batch = read_spool(paths.journal(), offset);
    if (batch.end_offset == offset) return records;
    offset = batch.end_offset;
    std::ranges::move(batch.records, std::back_inserter(records));
  }
}

Json start_record(const std::string& id, int attempt, const AttemptStart& start) {
  Json record = {{"type", "attempt_start"}, {"id", id},
                 {"attempt", attempt},      {"worker", start.worker},
                 {"device", start.device},  {"at", start.time}};
  if (!start.environment.empty()) record["environment"] = start.environment;
  if (start.fresh) record["fresh"] = true;
  return record;
}

Json end_record(const std::string& id, int attempt, const AttemptEnd& end, std::int64_t time) {
  Json record = {{"type", "attempt_end"},
                 {"id", id},
                 {"attempt", attempt},
                 {"state", to_string(end.state)},
                 {"message", end.message},
                 {"log_tail", end.log_tail},
                 {"at", time}};
  if (end.exit_code) record["exit_code"] = *end.exit_code;
  if (end.signal) record["signal"] = *end.signal;
  return record;
}

Json stop_record(const std::string& id, int attempt, const Json& decision) {
  return {
      {"type", "stop"}, {"id", id}, {"attempt", attempt}, {"decision", decision}, {"at", now_ms()}};
}

Json block_record(const std::string& id, const std::string& reason) {
  return {{"type", "block"}, {"id", id}, {"reason", reason}};
}

// Versions that do not know it pass over it: it has what every record of theirs has.
Json removed_record(const std::string& id, const std::vector<std::string>& paths,
                    std::int64_t time) {
  return {{"type", "removed"}, {"id", id}, {"attempt", 0}, {"paths", paths}, {"at", time}};
}

void replay_record(Writer& writer, const std::string& sweep, const Json& record) {
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
  } else if (type == "removed") {
    writer.note_removed(trial, record.at("paths").get<std::vector<std::string>>(), time);
  }
}

}  // namespace mvn
