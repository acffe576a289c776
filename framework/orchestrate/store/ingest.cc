#include "orchestrate/store/ingest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "common/secrets.h"
#include "common/spool.h"
#include "mvn/error.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

std::int64_t number_in(const Json& record, const char* field) {
  const auto number = mvn::whole_number(record.at(field));
  if (!number) {
    throw Error(std::string("'") + field + "' is not a whole number: " + record.at(field).dump());
  }
  return *number;
}

// What a process can end with.
int exit_code(const Json& record) {
  const auto code = number_in(record, "code");
  if (code < 0 || code > 255) throw Error("'code' is no exit code: " + std::to_string(code));
  return static_cast<int>(code);
}

std::optional<std::int64_t> optional_number(const Json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end() || found->is_null()) return std::nullopt;
  return number_in(record, field);
}

std::optional<std::string> optional_text(const Json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end() || found->is_null()) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t time_of(const Json& record) {
  const auto found = record.find("time");
  if (found == record.end()) return now_ms();
  // One that is no whole number is none of milliseconds: its fraction is dropped.
  const Json whole = found->is_number_float() ? Json(std::trunc(found->get<double>())) : *found;
  return mvn::whole_number(whole).value_or(now_ms());
}

const Json& values_of(const Json& record) {
  const Json& values = record.at("values");
  if (!values.is_object()) throw Error("'values' is not an object: " + values.dump());
  return values;
}

// NaN for null: encoders without a NaN write it so.
double number_of(const Json& value) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  return number_from_json(value);
}

}  // namespace

void Ingestor::apply(const AttemptKey& key, const Json& record) {
  const auto& type = record.at("type").get_ref<const std::string&>();
  try {
    dispatch(key, type, record);
  } catch (const Error& error) {
    event(key, time_of(record), "damaged", type + " record: " + error.what(), record);
  } catch (const Json::exception& error) {
    event(key, time_of(record), "damaged", type + " record: " + error.what(), record);
  }
}

void Ingestor::dispatch(const AttemptKey& key, const std::string& type, const Json& record) {
  if (type == "metric") return metrics(key, record);
  if (type == "progress") return progress(key, record);
  if (type == "start") return start(key, record);
  if (type == "param") return params(key, record);
  if (type == "environment") return environment(key, record);
  if (type == "cost") return costs(key, record);
  if (type == "artifact") return artifact(key, record);
  if (type == "end") return end(key, record);
  if (type == "event") {
    return event(key, time_of(record), optional_text(record, "level").value_or("info"),
                 optional_text(record, "message").value_or(""), Json());
  }
  event(key, time_of(record), "unknown", "record of unknown type '" + type + "'", record);
}

void Ingestor::damaged(const AttemptKey& key, std::string_view line) {
  event(key, now_ms(), "damaged", "a line of the spool is no record: " + std::string(line), Json());
}

void Ingestor::start(const AttemptKey& key, const Json& record) {
  const auto resumed = optional_number(record, "resumed_step");
  db_.run(
      "UPDATE mvn_attempt SET host = ?, pid = ?, resumed_step = ? WHERE trial = ? AND attempt = ?",
      optional_text(record, "host"), optional_number(record, "pid"), resumed, key.trial,
      key.attempt);
  if (!resumed) return;
  db_.run(
      "UPDATE mvn_attempt SET first_step = min(coalesce(first_step, ?1), ?1)"
      " WHERE trial = ?2 AND attempt = ?3",
      first_step_after(*resumed), key.trial, key.attempt);
}

void Ingestor::metrics(const AttemptKey& key, const Json& record) {
  const std::int64_t step = number_in(record, "step");
  const std::int64_t time = time_of(record);
  for (const auto& [name, value] : values_of(record).items()) {
    double number = 0;
    try {
      number = number_of(value);
    } catch (const Error& error) {
      event(key, time, "damaged", "metric '" + name + "': " + error.what(), record);
      continue;
    }
    // SQLite stores a NaN as NULL, and infinities as they are.
    db_.run(
        "INSERT INTO mvn_metric (trial, name, step, attempt, value, time)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, time = excluded.time",
        key.trial, name_row(name), step, key.attempt, number, time);
    if (!steps_) steps_ = {step, step};
    steps_ = {std::min(steps_->first, step), std::max(steps_->last, step)};
  }
}

// An attempt that says where it goes on from is taken at its word; one whose metrics are of later
// steps than its progress has, counts them otherwise.
void Ingestor::note_steps(const AttemptKey& key) {
  if (!steps_) return;
  db_.run(
      "UPDATE mvn_attempt SET"
      " first_step = iif(resumed_step > 0, first_step, min(coalesce(first_step, ?1), ?1)),"
      " step = iif(coalesce(?2 <= steps, 1), max(coalesce(step, ?2), ?2), step)"
      " WHERE trial = ?3 AND attempt = ?4",
      steps_->first, steps_->last, key.trial, key.attempt);
  steps_.reset();
}

void Ingestor::progress(const AttemptKey& key, const Json& record) {
  db_.run("UPDATE mvn_attempt SET step = ?, steps = ? WHERE trial = ? AND attempt = ?",
          number_in(record, "step"), optional_number(record, "steps"), key.trial, key.attempt);
}

void Ingestor::params(const AttemptKey& key, const Json& record) {
  const Json values = without_secrets(values_of(record));
  for (const auto& [name, value] : values.items()) {
    db_.run(
        "INSERT INTO mvn_param (trial, name, value, origin) VALUES (?, ?, ?, 'trial')"
        " ON CONFLICT DO UPDATE SET value = excluded.value, origin = excluded.origin",
        key.trial, name, value);
  }
}

void Ingestor::environment(const AttemptKey& key, const Json& record) {
  const Json values = without_secrets(values_of(record));
  for (const auto& [name, value] : values.items()) {
    db_.run(
        "INSERT INTO mvn_environment (trial, attempt, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        key.trial, key.attempt, name, value);
  }
}

void Ingestor::costs(const AttemptKey& key, const Json& record) {
  for (const auto& [name, value] : values_of(record).items()) {
    const double number = number_of(value);
    if (!std::isfinite(number)) throw Error("cost '" + name + "' is not finite");
    db_.run(
        "INSERT INTO mvn_cost (trial, attempt, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = CASE WHEN name GLOB 'peak_*'"
        " THEN max(value, excluded.value) ELSE value + excluded.value END",
        key.trial, key.attempt, name, number);
  }
}

void Ingestor::artifact(const AttemptKey& key, const Json& record) {
  db_.run(
      "INSERT INTO mvn_artifact (trial, attempt, kind, path, step, bytes, time)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      key.trial, key.attempt, record.at("kind").get<std::string>(),
      record.at("path").get<std::string>(), optional_number(record, "step"),
      optional_number(record, "bytes"), time_of(record));
}

void Ingestor::end(const AttemptKey& key, const Json& record) {
  db_.run(
      "UPDATE mvn_attempt SET reported_code = ?, reported_message = ?"
      " WHERE trial = ? AND attempt = ?",
      exit_code(record), optional_text(record, "message"), key.trial, key.attempt);
}

void Ingestor::event(const AttemptKey& key, std::int64_t time, const std::string& level,
                     const std::string& message, const Json& record) {
  if (damage_.empty() && (level == "damaged" || level == "unknown")) damage_ = message;
  db_.run(
      "INSERT INTO mvn_event (trial, attempt, time, level, message, record)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      key.trial, key.attempt, time, level, message, record);
}

std::int64_t Ingestor::name_row(const std::string& name) {
  const auto [found, is_new] = names_.try_emplace(name, 0);
  if (is_new) {
    db_.run("INSERT INTO mvn_metric_name (name) VALUES (?) ON CONFLICT DO NOTHING", name);
    found->second = db_.known_integer("SELECT id FROM mvn_metric_name WHERE name = ?", name);
  }
  return found->second;
}

}  // namespace mvn
