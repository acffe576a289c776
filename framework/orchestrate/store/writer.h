// All changes to results.db, by rows: what Store does for the runner and the rebuild does from
// disk. Private to the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/ingest.h"
#include "orchestrate/store/store.h"

namespace mvn {

struct OpenAttempt {
  std::string sweep;
  std::string id;
  int attempt = 0;
};

struct AttemptStart {
  std::string worker;
  std::string device;
  std::int64_t time = 0;
  Json environment = Json::object();  // name -> value
  bool fresh = false;                 // earlier attempts no longer count
};

class Writer {
 public:
  explicit Writer(const std::filesystem::path& path) : db_(path, Access::kWrite), ingestor_(db_) {}

  Database& database() { return db_; }
  // Runs `action` in a transaction, rolled back when it throws.
  template <typename Action>
  void transact(Action action);

  // Throws Error when the sweep has no such trial.
  std::int64_t trial_row(const std::string& sweep, const std::string& id);
  bool has_sweep(const std::string& sweep);
  // The ids of all the sweep's trials, in its order.
  std::vector<std::string> trial_ids(const std::string& sweep);
  bool has_attempt(const AttemptKey& key);
  // The number of the trial's latest attempt, 0 before the first.
  int last_attempt(std::int64_t trial);
  // Whether it is done, or was stopped early.
  bool ended_well(const AttemptKey& key);
  std::vector<OpenAttempt> running_attempts();
  // How an attempt whose end nobody saw ended: as its "end" record says, or interrupted.
  AttemptEnd end_by_spool(const AttemptKey& key);

  void start(const AttemptKey& key, const AttemptStart& start);
  void end(const AttemptKey& key, const AttemptEnd& end, std::int64_t time);
  // What ended well counts as interrupted, at the time when it ended.
  void lose(const AttemptKey& key, const std::string& message);
  void note_stop(const AttemptKey& key, const Json& decision);
  void block(std::int64_t trial, const std::string& reason);
  // Artifacts of these paths, as reported, are no longer on disk.
  void note_removed(std::int64_t trial, const std::vector<std::string>& paths, std::int64_t time);
  std::vector<Record> ingest(const AttemptKey& key, const std::filesystem::path& spool);
  std::string take_damage() { return ingestor_.take_damage(); }

 private:
  void store_kept_predictions(const AttemptKey& key, std::span<const Record> records,
                              const std::filesystem::path& trial_folder);

  Database db_;
  Ingestor ingestor_;
};

template <typename Action>
void Writer::transact(Action action) {
  try {
    SQLite::Transaction transaction(db_.connection(), SQLite::TransactionBehavior::IMMEDIATE);
    action();
    transaction.commit();
  } catch (...) {
    ingestor_.forget();
    throw;
  }
}

}  // namespace mvn
