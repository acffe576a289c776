// Spool records into rows. Private to the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "common/json.h"
#include "common/records.h"
#include "orchestrate/store/database.h"

namespace mvn {

// The attempt whose spool is read.
struct AttemptKey {
  std::int64_t trial = 0;  // row of mvn_trial
  int attempt = 0;
};

class Ingestor {
 public:
  explicit Ingestor(Database& database) : db_(database) {}

  // Stores one record, within the caller's transaction. What of it could not be read becomes an
  // event with its `source`: nothing that a trial writes is an error here.
  void apply(const AttemptKey& key, const Record& record, const Json& source);
  // Stores what cannot be read of what the trial wrote.
  void damaged(const AttemptKey& key, const std::string& what);

  // Stores how far the attempt came by the metrics applied since the last call: of many records at
  // once, to be called before the transaction ends.
  void note_steps(const AttemptKey& key);
  // What the first record since the last call was that could not be stored as it should; "" where
  // all could.
  std::string take_damage() { return std::exchange(damage_, {}); }

  // To be called after a rollback: what was cached may not be stored.
  void forget() {
    names_.clear();
    steps_.reset();
  }

 private:
  void store(const AttemptKey& key, std::int64_t time, const StartRecord& start);
  void store(const AttemptKey& key, std::int64_t time, const MetricRecord& metric);
  void store(const AttemptKey& key, std::int64_t time, const ProgressRecord& progress);
  void store(const AttemptKey& key, std::int64_t time, const ParamRecord& param);
  void store(const AttemptKey& key, std::int64_t time, const EnvironmentRecord& environment);
  void store(const AttemptKey& key, std::int64_t time, const CostRecord& cost);
  void store(const AttemptKey& key, std::int64_t time, const ArtifactRecord& artifact);
  void store(const AttemptKey& key, std::int64_t time, const EndRecord& end);
  void store(const AttemptKey& key, std::int64_t time, const EventRecord& event,
             const Json& source = {});
  void store(const AttemptKey& /*key*/, std::int64_t /*time*/, std::monostate /*nothing*/) {}

  std::int64_t name_row(const std::string& name);

  Database& db_;
  std::string damage_;
  std::unordered_map<std::string, std::int64_t> names_;  // rows of mvn_metric_name
  struct Steps {
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  std::optional<Steps> steps_;  // of the metrics that note_steps() has not stored
};

}  // namespace mvn
