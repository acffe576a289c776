#include "orchestrate/store/store.h"

#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "common/files.h"
#include "common/spool.h"
#include "common/trial.h"
#include "mvn/error.h"
#include "orchestrate/store/history.h"
#include "orchestrate/store/journal.h"
#include "orchestrate/store/lookup.h"
#include "orchestrate/store/manifest.h"
#include "orchestrate/store/reader.h"
#include "orchestrate/store/restore.h"
#include "orchestrate/store/writer.h"

namespace mvn {
namespace {

constexpr std::array<std::string_view, 8> kStates = {
    "planned", "running", "done", "diverged", "failed", "interrupted", "blocked", "stopped"};

// Whether the file holds this, read piece by piece.
bool holds(const std::filesystem::path& path, std::string_view text) {
  std::error_code none;
  if (std::filesystem::file_size(path, none) != text.size() || none) return false;
  std::ifstream in(path, std::ios::binary);
  std::array<char, 1 << 16> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    const std::string_view read(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (!text.starts_with(read)) return false;
    text.remove_prefix(read.size());
  }
  return text.empty();
}

}  // namespace

std::string_view to_string(TrialState state) { return kStates[static_cast<std::size_t>(state)]; }

TrialState trial_state(std::string_view text) {
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (kStates[i] == text) return static_cast<TrialState>(i);
  }
  throw Error("no state of a trial is called '" + std::string(text) + "'");
}

TrialState state_after(int exit_code) {
  switch (static_cast<ExitCode>(exit_code)) {
    case ExitCode::kDone:
      return TrialState::kDone;
    case ExitCode::kCheckpointed:
      return TrialState::kInterrupted;
    case ExitCode::kDiverged:
      return TrialState::kDiverged;
    default:
      return TrialState::kFailed;
  }
}

std::filesystem::path database_path(const std::filesystem::path& results) {
  return results / "results.db";
}

struct Store::State {
  explicit State(const std::filesystem::path& path)
      : writer(path),
        results(path.has_parent_path() ? path.parent_path() : std::filesystem::path(".")) {}

  void settle_running();
  void end(const std::string& sweep, const std::string& id, int attempt, const AttemptEnd& end);
  [[nodiscard]] std::filesystem::path spool(const std::string& sweep, const std::string& id,
                                            int attempt) const {
    return trial_paths(results, sweep, id).spool(attempt);
  }

  // The sweep's journal, kept open.
  SpoolWriter& journal(const std::string& sweep) {
    auto& journal = journals[sweep];
    if (!journal) journal.emplace(sweep_paths(results, sweep).journal());
    return *journal;
  }

  Writer writer;
  std::filesystem::path results;
  std::map<std::string, std::optional<SpoolWriter>> journals;
};

void Store::State::settle_running() {
  for (const auto& open : writer.running_attempts()) {
    const AttemptKey key{writer.trial_row(open.sweep, open.id), open.attempt};
    writer.ingest(key, spool(open.sweep, open.id, open.attempt));
    end(open.sweep, open.id, open.attempt, writer.end_by_spool(key));
  }
}

void Store::State::end(const std::string& sweep, const std::string& id, int attempt,
                       const AttemptEnd& end) {
  const AttemptKey key{writer.trial_row(sweep, id), attempt};
  writer.ingest(key, spool(sweep, id, attempt));
  const std::int64_t time = now_ms();
  journal(sweep).append(end_record(id, attempt, end, time));
  writer.transact([&] { writer.end(key, end, time); });
}

Store::Store(const std::filesystem::path& path)
    : state_(translate_errors(path, [&] { return std::make_unique<State>(path); })) {}

Store::~Store() = default;

DatabaseLocked::~DatabaseLocked() = default;

void Store::record_plan(const SweepPlan& plan) {
  Writer& writer = state_->writer;
  translate_errors(writer.database().path(), [&] {
    if (!writer.has_sweep(plan.name) &&
        std::filesystem::exists(sweep_paths(state_->results, plan.name).manifest())) {
      restore_sweep(writer, state_->results, plan.name);
    }
    state_->settle_running();
    writer.transact([&] {
      const auto place = place_of(plan.file, state_->results);
      const auto sweep = store_plan(writer.database(), plan, place);
      const auto text = stored_manifest(writer.database(), sweep);
      const auto file = sweep_paths(state_->results, plan.name).manifest();
      if (!holds(file, text)) write_file_atomically(file, text);
    });
  });
}

void Store::settle() {
  translate_errors(state_->writer.database().path(), [&] { state_->settle_running(); });
}

std::vector<StoredTrial> Store::trials(const std::string& sweep) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return stored_trials_of(db, sweep); });
}

std::filesystem::path Store::folder_of(const std::string& id) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return mvn::folder_of(db, id); });
}

int Store::start_attempt(const std::string& sweep, const std::string& id, const std::string& worker,
                         const std::string& device, const Json& environment, bool fresh) {
  Writer& writer = state_->writer;
  return translate_errors(writer.database().path(), [&] {
    const std::int64_t row = writer.trial_row(sweep, id);
    const int attempt = writer.last_attempt(row) + 1;
    const AttemptStart start{worker, device, now_ms(), environment, fresh};
    state_->journal(sweep).append(start_record(id, attempt, start));
    writer.transact([&] { writer.start({row, attempt}, start); });
    return attempt;
  });
}

void Store::end_attempt(const std::string& sweep, const std::string& id, int attempt,
                        const AttemptEnd& end) {
  translate_errors(state_->writer.database().path(), [&] { state_->end(sweep, id, attempt, end); });
}

void Store::note_stop(const std::string& sweep, const std::string& id, const Json& decision) {
  Writer& writer = state_->writer;
  translate_errors(writer.database().path(), [&] {
    const std::int64_t row = writer.trial_row(sweep, id);
    const int attempt = writer.last_attempt(row);
    state_->journal(sweep).append(stop_record(id, attempt, decision));
    writer.transact([&] { writer.note_stop({row, attempt}, decision); });
  });
}

std::vector<TrialHistory> Store::histories(const std::string& sweep) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return trial_histories(db, sweep); });
}

std::vector<AttemptSpan> Store::spans(const std::string& sweep) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return attempt_spans(db, sweep); });
}

void Store::add_draw(const SweepPlan& plan, const StoredDraw& draw,
                     const std::vector<PlannedTrial>& trials) {
  Writer& writer = state_->writer;
  translate_errors(writer.database().path(), [&] {
    const Json record = draw_record(draw, trials, labels_among(plan, trials), now_ms());
    state_->journal(plan.name).append(record);
    writer.transact([&] { store_draw(writer.database(), plan.name, record, /*newest=*/true); });
  });
}

void Store::set_importance(const std::string& sweep,
                           const std::vector<ParameterImportance>& parameters) {
  Writer& writer = state_->writer;
  Database& db = writer.database();
  translate_errors(db.path(), [&] {
    writer.transact([&] {
      const auto row = db.known_integer("SELECT id FROM mvn_sweep WHERE name = ?", sweep);
      db.run("DELETE FROM mvn_importance WHERE sweep = ?", row);
      for (const auto& each : parameters) {
        db.run(
            "INSERT INTO mvn_importance (sweep, stage, name, importance, trials)"
            " VALUES (?, ?, ?, ?, ?)",
            row, each.stage, each.name, each.importance, each.trials);
      }
    });
  });
}

bool Store::has_reported(const std::string& sweep, const std::string& id) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return mvn::has_reported(db, sweep, id); });
}

std::vector<std::string> Store::metric_names(const std::string& sweep,
                                             const std::string& id) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return mvn::metric_names(db, sweep, id); });
}

bool Store::has_metric(const std::string& sweep, const std::string& stage,
                       const std::string& metric) const {
  Database& db = state_->writer.database();
  return translate_errors(db.path(), [&] { return mvn::has_metric(db, sweep, stage, metric); });
}

std::string Store::take_damage() { return state_->writer.take_damage(); }

void Store::wait_at_most(std::chrono::milliseconds patience) {
  Database& db = state_->writer.database();
  db.connection().setBusyTimeout(static_cast<int>(patience.count()));
}

bool Store::is_free() {
  try {
    translate_errors(state_->writer.database().path(), [&] { state_->writer.transact([] {}); });
    return true;
  } catch (const DatabaseLocked&) {
    return false;
  }
}

void Store::block(const std::string& sweep, const std::string& id, const std::string& reason) {
  Writer& writer = state_->writer;
  translate_errors(writer.database().path(), [&] {
    const std::int64_t row = writer.trial_row(sweep, id);
    state_->journal(sweep).append(block_record(id, reason));
    writer.transact([&] { writer.block(row, reason); });
  });
}

std::vector<Record> Store::ingest(const std::string& sweep, const std::string& id, int attempt,
                                  const std::filesystem::path& spool) {
  Writer& writer = state_->writer;
  return translate_errors(writer.database().path(), [&] {
    static_cast<void>(writer.take_damage());  // of others
    return writer.ingest({writer.trial_row(sweep, id), attempt}, spool);
  });
}

}  // namespace mvn
