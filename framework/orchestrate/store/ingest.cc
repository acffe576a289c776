#include "orchestrate/store/ingest.h"

#include <algorithm>

#include "common/secrets.h"
#include "orchestrate/store/store.h"

namespace mvn {

void Ingestor::apply(const AttemptKey& key, const Record& record, const Json& source) {
  for (const auto& problem : record.problems) {
    if (damage_.empty()) damage_ = problem.message.value_or("");
    store(key, record.time, problem, source);
  }
  std::visit([&](const auto& content) { store(key, record.time, content); }, record.content);
}

void Ingestor::damaged(const AttemptKey& key, const std::string& what) {
  if (damage_.empty()) damage_ = what;
  store(key, now_ms(), EventRecord{"damaged", what});
}

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/, const StartRecord& start) {
  db_.run(
      "UPDATE mvn_attempt SET host = ?, pid = ?, resumed_step = ? WHERE trial = ? AND attempt = ?",
      start.host, start.pid, start.resumed_step, key.trial, key.attempt);
  if (!start.resumed_step) return;
  db_.run(
      "UPDATE mvn_attempt SET first_step = min(coalesce(first_step, ?1), ?1)"
      " WHERE trial = ?2 AND attempt = ?3",
      first_step_after(*start.resumed_step), key.trial, key.attempt);
}

void Ingestor::store(const AttemptKey& key, std::int64_t time, const MetricRecord& metric) {
  const std::int64_t step = metric.step;
  for (const auto& [name, value] : metric.values) {
    // SQLite stores a NaN as NULL, and infinities as they are.
    db_.run(
        "INSERT INTO mvn_metric (trial, name, step, attempt, value, time)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, time = excluded.time",
        key.trial, name_row(name), step, key.attempt, value, time);
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

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/, const ProgressRecord& progress) {
  db_.run("UPDATE mvn_attempt SET step = ?, steps = ? WHERE trial = ? AND attempt = ?",
          progress.step, progress.steps, key.trial, key.attempt);
}

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/, const ParamRecord& param) {
  const Json values = without_secrets(param.values);
  for (const auto& [name, value] : values.items()) {
    db_.run(
        "INSERT INTO mvn_param (trial, name, value, origin) VALUES (?, ?, ?, 'trial')"
        " ON CONFLICT DO UPDATE SET value = excluded.value, origin = excluded.origin",
        key.trial, name, value);
  }
}

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/,
                     const EnvironmentRecord& environment) {
  const Json values = without_secrets(environment.values);
  for (const auto& [name, value] : values.items()) {
    db_.run(
        "INSERT INTO mvn_environment (trial, attempt, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        key.trial, key.attempt, name, value);
  }
}

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/, const CostRecord& cost) {
  for (const auto& [name, value] : cost.values) {
    db_.run(
        "INSERT INTO mvn_cost (trial, attempt, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = CASE WHEN name GLOB 'peak_*'"
        " THEN max(value, excluded.value) ELSE value + excluded.value END",
        key.trial, key.attempt, name, value);
  }
}

void Ingestor::store(const AttemptKey& key, std::int64_t time, const ArtifactRecord& artifact) {
  db_.run(
      "INSERT INTO mvn_artifact (trial, attempt, kind, path, step, bytes, time)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)",
      key.trial, key.attempt, artifact.kind, artifact.path, artifact.step, artifact.bytes, time);
}

void Ingestor::store(const AttemptKey& key, std::int64_t /*time*/, const EndRecord& end) {
  db_.run(
      "UPDATE mvn_attempt SET reported_code = ?, reported_message = ?"
      " WHERE trial = ? AND attempt = ?",
      end.code, end.message, key.trial, key.attempt);
}

void Ingestor::store(const AttemptKey& key, std::int64_t time, const EventRecord& event,
                     const Json& source) {
  db_.run(
      "INSERT INTO mvn_event (trial, attempt, time, level, message, record)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      key.trial, key.attempt, time, event.level.value_or("info"), event.message.value_or(""),
      source);
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
