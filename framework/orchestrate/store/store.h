// results.db: the one writer's side. Tables and views are described in docs/results.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/records.h"
#include "mvn/error.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

// Another program keeps the database locked; what() says which, where that can be known.
class DatabaseLocked : public Error {
 public:
  using Error::Error;
  ~DatabaseLocked() override;
};

enum class TrialState {
  kPlanned,
  kRunning,
  kDone,
  kDiverged,
  kFailed,
  kInterrupted,
  kBlocked,
  kStopped,  // by early_terminate, with a checkpoint
};
// "planned", "running", "done", "diverged", "failed", "interrupted", "blocked", "stopped".
std::string_view to_string(TrialState state);
// The inverse; throws Error for any other text.
TrialState trial_state(std::string_view text);
// The state of a trial that ended with an exit code of the contract in mvn/error.h.
TrialState state_after(int exit_code);

// <results>/results.db
std::filesystem::path database_path(const std::filesystem::path& results);

struct AttemptEnd {
  TrialState state = TrialState::kDone;
  std::optional<int> exit_code;  // of the process or, from a persistent worker, of the trial
  std::optional<int> signal;
  std::string message;     // one line
  std::string log_tail;    // last lines of the log, for failures
  bool explained = false;  // the message says why: not only that, and with which code
};

struct StoredTrial {
  std::string id;
  TrialState state = TrialState::kPlanned;
  int attempts = 0;
};

// The first step of an attempt that goes on from a checkpoint at `resumed_step`, or from 0, the
// beginning, where a program may measure at step 0. From there on, or from the first step that it
// reports where it does not say, what earlier attempts reported does not count.
inline std::int64_t first_step_after(std::int64_t resumed_step) {
  return resumed_step > 0 ? resumed_step + 1 : 0;
}

// How a trial went by its stage's metric.
struct TrialHistory {
  std::string id;
  TrialState state = TrialState::kPlanned;
  Json stop;  // why early_terminate ended its latest attempt; null where it did not
  std::map<std::int64_t, double> curve;  // the metric's value by step
};

// How much of a stage's metric a parameter decides.
struct ParameterImportance {
  std::string stage;
  std::string name;
  double importance = 0;    // all of a stage add up to 1
  std::int64_t trials = 0;  // that it rests on
};

// When an attempt ran, in milliseconds since 1970 UTC.
struct AttemptSpan {
  std::string device;  // "cpu", "cuda:1"
  std::int64_t started = 0;
  std::optional<std::int64_t> ended;
};

// A draw of a search: see PlannedSearch.
struct StoredDraw {
  std::string stage;
  std::string search;  // PlannedSearch::id
  std::int64_t number = 0;
  Point point;
};

// Opens (creating or migrating) the database at `path` for writing; its folder is the results
// folder, where each sweep also gets its sweep.json and runner.jsonl, from which the database can
// be made anew. One process at a time: the caller holds the lock of the results folder. Only this
// connection checkpoints the WAL. Not thread-safe. Throws Error, which names the database.
class Store {
 public:
  explicit Store(const std::filesystem::path& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Writes the sweep and those of its trials that are not there yet, in one transaction; then its
  // sweep.json. Before that, a sweep that the database does not know although its folder is there
  // (the database was lost, or the folder copied) is taken in from its files; and attempts of any
  // sweep that an earlier process left `running` are settled: the rest of their spools is ingested,
  // and they become what their "end" record says, or `interrupted` where there is none.
  void record_plan(const SweepPlan& plan);

  // Settles what an earlier process left running, as record_plan() does.
  void settle();

  // In the order of the plan; trials of earlier plans of this sweep last.
  [[nodiscard]] std::vector<StoredTrial> trials(const std::string& sweep) const;
  // The folder of a trial, relative to the results folder; that of a finished trial where several
  // sweeps have it. Throws Error when no sweep has it.
  [[nodiscard]] std::filesystem::path folder_of(const std::string& id) const;

  // A new attempt: its number, from 1. The trial becomes `running`. `environment` is what the
  // runner knows of what it runs on; what the trial itself reports takes its place. A `fresh`
  // attempt trains the trial again from scratch: what earlier ones measured no longer counts.
  int start_attempt(const std::string& sweep, const std::string& id, const std::string& worker,
                    const std::string& device, const Json& environment = Json::object(),
                    bool fresh = false);
  // Ingests what is left of the attempt's spool, then closes it; the trial gets `end.state`.
  void end_attempt(const std::string& sweep, const std::string& id, int attempt,
                   const AttemptEnd& end);
  // Early termination asked the running attempt to end, or judged one that it ended before anew;
  // should the runner die, the attempt still counts as stopped. `decision` is kept as it is.
  void note_stop(const std::string& sweep, const std::string& id, const Json& decision);
  // The trial cannot run because one it depends on failed.
  void block(const std::string& sweep, const std::string& id, const std::string& reason);

  // Whether the trial, or one that differs from it in its seed alone, ever reported a metric or a
  // step.
  [[nodiscard]] bool has_reported(const std::string& sweep, const std::string& id) const;
  // The metrics that the trial ever reported, sorted.
  [[nodiscard]] std::vector<std::string> metric_names(const std::string& sweep,
                                                      const std::string& id) const;
  // Whether any trial of the stage ever reported it.
  [[nodiscard]] bool has_metric(const std::string& sweep, const std::string& stage,
                                const std::string& metric) const;

  // How every trial of the sweep went, also those that are no longer in its plan.
  [[nodiscard]] std::vector<TrialHistory> histories(const std::string& sweep) const;
  // When every attempt of the sweep ran.
  [[nodiscard]] std::vector<AttemptSpan> spans(const std::string& sweep) const;
  // Writes a draw and those of the plan's trials that are its own and new.
  void add_draw(const SweepPlan& plan, const StoredDraw& draw,
                const std::vector<PlannedTrial>& trials);

  // What the view `importance` shows of the sweep from now on.
  void set_importance(const std::string& sweep, const std::vector<ParameterImportance>& parameters);

  // Ingests what the attempt's spool holds beyond what was ingested before: records and the new
  // offset in one transaction, so each record counts exactly once. Returns the records ingested,
  // for the progress display.
  std::vector<Record> ingest(const std::string& sweep, const std::string& id, int attempt,
                             const std::filesystem::path& spool);
  // What the first record was that the last ingest() could not take in, in words; "" where it took
  // all.
  [[nodiscard]] std::string take_damage();

  // How long each call waits for another program that keeps the database locked before it throws
  // DatabaseLocked; half a minute by default.
  void wait_at_most(std::chrono::milliseconds patience);
  // Whether nobody does.
  [[nodiscard]] bool is_free();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mvn
