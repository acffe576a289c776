#include "orchestrate/store/ingest.h"

#include <cmath>
#include <limits>

#include "common/spool.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// A whole number, also where a program writes 10 as 10.0.
std::int64_t whole_number(const Json& record, const char* field) {
  const Json& value = record.at(field);
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::trunc(number) == number && std::abs(number) < 9e15) {
      return static_cast<std::int64_t>(number);
    }
  }
  if (!value.is_number_integer()) {
    throw Error(std::string("'") + field + "' is not a whole number: " + value.dump());
  }
  return value.get<std::int64_t>();
}

std::optional<std::int64_t> optional_number(const Json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end() || found->is_null()) return std::nullopt;
  return whole_number(record, field);
}

std::optional<std::string> optional_text(const Json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end() || found->is_null()) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t time_of(const Json& record) {
  const auto found = record.find("time");
  if (found == record.end() || !found->is_number()) return now_ms();
  return found->is_number_integer() ? found->get<std::int64_t>()
                                    : static_cast<std::int64_t>(found->get<double>());
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
  db_.run(
      "UPDATE mvn_attempt SET host = ?, pid = ?, resumed_step = ? WHERE trial = ? AND attempt = ?",
      optional_text(record, "host"), optional_number(record, "pid"),
      optional_number(record, "resumed_step"), key.trial, key.attempt);
}

void Ingestor::metrics(const AttemptKey& key, const Json& record) {
  const std::int64_t step = whole_number(record, "step");
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
  }
}

void Ingestor::progress(const AttemptKey& key, const Json& record) {
  db_.run("UPDATE mvn_attempt SET step = ?, steps = ? WHERE trial = ? AND attempt = ?",
          whole_number(record, "step"), optional_number(record, "steps"), key.trial, key.attempt);
}

void Ingestor::params(const AttemptKey& key, const Json& record) {
  for (const auto& [name, value] : values_of(record).items()) {
    db_.run(
        "INSERT INTO mvn_param (trial, name, value, origin) VALUES (?, ?, ?, 'trial')"
        " ON CONFLICT DO UPDATE SET value = excluded.value, origin = excluded.origin",
        key.trial, name, value);
  }
}

void Ingestor::environment(const AttemptKey& key, const Json& record) {
  for (const auto& [name, value] : values_of(record).items()) {
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
      whole_number(record, "code"), optional_text(record, "message"), key.trial, key.attempt);
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
    found->second = db_.integer("SELECT id FROM mvn_metric_name WHERE name = ?", name).value();
  }
  return found->second;
}

}  // namespace mvn
