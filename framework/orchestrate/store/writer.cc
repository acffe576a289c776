#include "orchestrate/store/writer.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <system_error>

#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/predictions.h"

namespace mvn {
namespace {

constexpr std::size_t kBatchBytes = 8U << 20;  // of a spool in a transaction

}  // namespace

std::int64_t Writer::trial_row(const std::string& sweep, const std::string& id) {
  const auto row = db_.integer(
      "SELECT t.id FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep"
      " WHERE s.name = ? AND t.hash = ?",
      sweep, id);
  if (!row) {
    throw Error(db_.path().string() + ": sweep '" + sweep + "' has no trial " + short_id(id));
  }
  return *row;
}

bool Writer::has_sweep(const std::string& sweep) {
  return db_.integer("SELECT 1 FROM mvn_sweep WHERE name = ?", sweep).has_value();
}

std::vector<std::string> Writer::trial_ids(const std::string& sweep) {
  std::vector<std::string> ids;
  db_.each(
      "SELECT t.hash FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep WHERE s.name = ?"
      " ORDER BY t.position, t.id",
      [&](SQLite::Statement& row) { ids.push_back(row.getColumn(0).getString()); }, sweep);
  return ids;
}

bool Writer::has_attempt(const AttemptKey& key) {
  return db_
      .integer("SELECT 1 FROM mvn_attempt WHERE trial = ? AND attempt = ?", key.trial, key.attempt)
      .has_value();
}

int Writer::last_attempt(std::int64_t trial) {
  return static_cast<int>(
      db_.integer("SELECT max(attempt) FROM mvn_attempt WHERE trial = ?", trial).value_or(0));
}

bool Writer::ended_well(const AttemptKey& key) {
  return db_
      .integer(
          "SELECT 1 FROM mvn_attempt WHERE trial = ? AND attempt = ?"
          " AND state IN ('done', 'stopped')",
          key.trial, key.attempt)
      .has_value();
}

std::vector<OpenAttempt> Writer::running_attempts() {
  std::vector<OpenAttempt> running;
  db_.each(
      "SELECT s.name, t.hash, a.attempt FROM mvn_attempt a JOIN mvn_trial t ON t.id = a.trial"
      " JOIN mvn_sweep s ON s.id = t.sweep WHERE a.state = 'running' ORDER BY t.id, a.attempt",
      [&](SQLite::Statement& row) {
        running.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                           row.getColumn(2).getInt()});
      });
  return running;
}

AttemptEnd Writer::end_by_spool(const AttemptKey& key) {
  AttemptEnd end{.state = TrialState::kInterrupted,
                 .exit_code = {},
                 .signal = {},
                 .message = "the runner ended before the trial did",
                 .log_tail = ""};
  db_.each(
      "SELECT reported_code, reported_message FROM mvn_attempt"
      " WHERE trial = ? AND attempt = ? AND reported_code IS NOT NULL",
      [&](SQLite::Statement& row) {
        // A column of a database from anywhere may hold more than a process ends with.
        const auto code = row.getColumn(0).getInt64();
        end.exit_code = code >= 0 && code <= 255 ? static_cast<int>(code) : 1;
        end.state = state_after(*end.exit_code);
        end.message = row.getColumn(1).getString();
      },
      key.trial, key.attempt);
  const bool told_to_stop =
      db_.integer("SELECT stop IS NOT NULL FROM mvn_attempt WHERE trial = ? AND attempt = ?",
                  key.trial, key.attempt)
          .value_or(0) != 0;
  if (told_to_stop && end.state == TrialState::kInterrupted) end.state = TrialState::kStopped;
  return end;
}

void Writer::start(const AttemptKey& key, const AttemptStart& start) {
  db_.run(
      "INSERT INTO mvn_attempt (trial, attempt, state, worker, device, started)"
      " VALUES (?, ?, 'running', ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state,"
      " worker = excluded.worker, device = excluded.device, started = excluded.started",
      key.trial, key.attempt, start.worker, start.device, start.time);
  db_.run("UPDATE mvn_trial SET state = 'running', reason = NULL WHERE id = ?", key.trial);
  if (start.fresh) {
    db_.run("UPDATE mvn_trial SET first_attempt = ? WHERE id = ?", key.attempt, key.trial);
    db_.run("UPDATE mvn_attempt SET first_step = ? WHERE trial = ? AND attempt = ?",
            std::numeric_limits<std::int64_t>::min(), key.trial, key.attempt);
  }
  for (const auto& [name, value] : start.environment.items()) {
    db_.run(
        "INSERT INTO mvn_environment (trial, attempt, name, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        key.trial, key.attempt, name, value);
  }
}

void Writer::end(const AttemptKey& key, const AttemptEnd& end, std::int64_t time) {
  const std::string state(to_string(end.state));
  db_.run(
      "UPDATE mvn_attempt SET state = ?, ended = ?, exit_code = ?, signal = ?, message = ?,"
      " log_tail = ? WHERE trial = ? AND attempt = ?",
      state, time, end.exit_code, end.signal, end.message, end.log_tail, key.trial, key.attempt);
  db_.run("UPDATE mvn_trial SET state = ? WHERE id = ?", state, key.trial);
}

void Writer::lose(const AttemptKey& key, const std::string& message) {
  db_.run(
      "UPDATE mvn_attempt SET state = 'interrupted', message = ? WHERE trial = ? AND attempt = ?",
      message, key.trial, key.attempt);
  db_.run("UPDATE mvn_trial SET state = 'interrupted' WHERE id = ?", key.trial);
}

void Writer::note_stop(const AttemptKey& key, const Json& decision) {
  db_.run("UPDATE mvn_attempt SET stop = ? WHERE trial = ? AND attempt = ?", decision.dump(),
          key.trial, key.attempt);
}

void Writer::block(std::int64_t trial, const std::string& reason) {
  db_.run("UPDATE mvn_trial SET state = 'blocked', reason = ? WHERE id = ?", reason, trial);
}

void Writer::store_kept_predictions(const AttemptKey& key, std::span<const Record> records,
                                    const std::filesystem::path& trial_folder) {
  for (const auto& record : records) {
    const auto* artifact = std::get_if<ArtifactRecord>(&record.content);
    if (artifact == nullptr) continue;
    const auto wrong = store_predictions(db_, key.trial, artifact->kind, trial_folder);
    if (!wrong.empty()) ingestor_.damaged(key, wrong);
  }
}

void Writer::note_removed(std::int64_t trial, const std::vector<std::string>& paths,
                          std::int64_t time) {
  for (const auto& path : paths) {
    db_.run(
        "INSERT INTO mvn_removed (trial, path, time) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET time = excluded.time",
        trial, path, time);
  }
}

std::vector<Record> Writer::ingest(const AttemptKey& key, const std::filesystem::path& spool) {
  const auto trial_folder = TrialPaths::of_spool(spool).folder;
  std::vector<Record> records;
  auto offset = static_cast<std::uint64_t>(
      db_.integer("SELECT spool_offset FROM mvn_attempt WHERE trial = ? AND attempt = ?", key.trial,
                  key.attempt)
          .value_or(0));
  // What a trial appends meanwhile waits for the next call: a fast one would hold this up for ever,
  // a few records a transaction.
  std::error_code missing;
  const std::uint64_t size = std::filesystem::file_size(spool, missing);
  while (!missing && offset < size) {
    SpoolBatch batch = read_spool(spool, offset, std::min<std::size_t>(size - offset, kBatchBytes));
    if (batch.end_offset == offset) break;  // a line that is not complete yet
    const std::size_t known = records.size();
    std::ranges::transform(batch.records, std::back_inserter(records), read_record);
    transact([&] {
      for (std::size_t i = 0; i < batch.records.size(); ++i) {
        ingestor_.apply(key, records[known + i], batch.records[i]);
      }
      for (const auto& line : batch.damaged) {
        ingestor_.damaged(key, "a line of the spool is no record: " + line);
      }
      store_kept_predictions(key, std::span(records).subspan(known), trial_folder);
      ingestor_.note_steps(key);
      db_.run("UPDATE mvn_attempt SET spool_offset = ? WHERE trial = ? AND attempt = ?",
              static_cast<std::int64_t>(batch.end_offset), key.trial, key.attempt);
    });
    offset = batch.end_offset;
  }
  return records;
}

}  // namespace mvn
