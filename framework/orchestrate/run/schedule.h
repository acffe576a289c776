// Which trial may run next: those it depends on come first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "orchestrate/store/store.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

// A trial that cannot run, and the one it would have started from.
struct BlockedTrial {
  std::size_t trial;
  std::size_t because_of;
};

// Whether a trial in this state does not run again: done, diverged or stopped.
bool has_ended(TrialState state);

// Trials are named by their index in the plan.
class Schedule {
 public:
  // `known` are the states of trials that ran before, by id. Done, diverged and stopped ones stay
  // as they are; all others run (again). What a trial depends on outside of the plan is finished.
  Schedule(const std::vector<PlannedTrial>& trials, const std::map<std::string, TrialState>& known);

  // The plan's next trial, after those that it depends on.
  void add(const PlannedTrial& trial, TrialState state = TrialState::kPlanned);

  // The trial that is to start next: of those that may run the one of the lowest rank, in the
  // plan's order; it is running then.
  std::optional<std::size_t> next();
  // The same without taking it.
  [[nodiscard]] std::optional<std::size_t> first_ready() const;
  [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
  [[nodiscard]] std::size_t ready() const { return ready_.size(); }
  // Makes a running trial's end known: `done` frees those that wait for it, `failed`,
  // `diverged` and `stopped` block them and all that wait for those.
  void finish(std::size_t trial, TrialState state);
  // Planned trials of the plan's stage `stage`, and all that wait for those, are not started any
  // more. They stay planned, and are no longer among those that are left.
  void hold(const std::string& stage);
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  // Makes a running trial ready again.
  void retry(std::size_t trial);
  // The trials that became blocked since the last call.
  std::vector<BlockedTrial> take_blocked();

  [[nodiscard]] TrialState state(std::size_t trial) const { return states_[trial]; }
  // How many are in this state; known without counting.
  [[nodiscard]] std::size_t count(TrialState state) const;
  // How many do not run again.
  [[nodiscard]] std::size_t ended() const;
  // How many are yet to end, running ones included.
  [[nodiscard]] std::size_t left() const;
  // The most trials that could run at the same time.
  [[nodiscard]] std::size_t width() const;

 private:
  void make_ready(std::size_t trial) { ready_.emplace(ranks_[trial], trial); }
  void change(std::size_t trial, TrialState state);
  // Those that wait for it, a copy: none for most.
  [[nodiscard]] std::vector<std::size_t> dependents_of(std::size_t trial) const;
  [[nodiscard]] std::uint32_t number_of_stage(const std::string& stage);
  void hold_with_dependents(std::size_t trial);
  void free_dependents(std::size_t trial);
  void block_dependents(std::size_t trial);

  // A plan may have a hundred thousand trials: what only those of stages need, others do without.
  std::unordered_map<std::string, std::size_t> index_;  // by id; of trials of named stages
  std::vector<TrialState> states_;
  std::unordered_map<std::size_t, std::vector<std::size_t>> dependents_;
  std::unordered_map<std::size_t, std::vector<std::size_t>> dependencies_;
  std::vector<std::uint32_t> waits_for_;
  std::vector<std::string> stage_names_;
  std::vector<std::uint32_t> stages_;  // of each trial, among the names
  std::map<TrialState, std::size_t> counts_;
  std::set<std::size_t> held_;
  std::vector<std::size_t> ranks_;
  std::set<std::pair<std::size_t, std::size_t>> ready_;  // rank, trial
  std::vector<BlockedTrial> blocked_;
};

}  // namespace mvn
