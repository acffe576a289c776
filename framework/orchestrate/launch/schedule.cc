#include "orchestrate/launch/schedule.h"

#include <algorithm>
#include <utility>

namespace mvn {
namespace {

// Whether no trial can start from one in this state.
bool cannot_start_from(TrialState state) {
  return state == TrialState::kFailed || state == TrialState::kDiverged ||
         state == TrialState::kStopped || state == TrialState::kBlocked;
}

}  // namespace

bool has_ended(TrialState state) {
  return state == TrialState::kDone || state == TrialState::kDiverged ||
         state == TrialState::kStopped;
}

Schedule::Schedule(const std::vector<PlannedTrial>& trials,
                   const std::map<std::string, TrialState>& known) {
  for (const auto& trial : trials) {
    const auto before = known.find(trial.id);
    const bool ended = before != known.end() && has_ended(before->second);
    add(trial, ended ? before->second : TrialState::kPlanned);
  }
}

void Schedule::add(const PlannedTrial& trial, TrialState state) {
  const std::size_t own = states_.size();
  index_[trial.id] = own;
  states_.push_back(state);
  ranks_.push_back(trial.rank);
  stages_.push_back(trial.stage);
  dependents_.emplace_back();
  dependencies_.emplace_back();
  waits_for_.push_back(0);
  for (const auto& id : trial.depends_on) {
    const auto found = index_.find(id);
    if (found == index_.end()) continue;
    dependents_[found->second].push_back(own);
    dependencies_[own].push_back(found->second);
    if (states_[found->second] != TrialState::kDone) ++waits_for_[own];
    if (cannot_start_from(states_[found->second]) && states_[own] == TrialState::kPlanned) {
      states_[own] = TrialState::kBlocked;
      blocked_.push_back({own, found->second});
    }
  }
  if (waits_for_[own] == 0 && states_[own] == TrialState::kPlanned) make_ready(own);
}

std::optional<std::size_t> Schedule::first_ready() const {
  if (ready_.empty()) return std::nullopt;
  return ready_.begin()->second;
}

std::optional<std::size_t> Schedule::next() {
  const auto trial = first_ready();
  if (!trial) return std::nullopt;
  ready_.erase(ready_.begin());
  states_[*trial] = TrialState::kRunning;
  return trial;
}

void Schedule::finish(std::size_t trial, TrialState state) {
  states_[trial] = state;
  if (state == TrialState::kDone) {
    free_dependents(trial);
  } else if (cannot_start_from(state)) {
    block_dependents(trial);
  }
}

void Schedule::free_dependents(std::size_t trial) {
  for (const auto each : dependents_[trial]) {
    const bool planned = states_[each] == TrialState::kPlanned && !held_.contains(each);
    if (--waits_for_[each] == 0 && planned) make_ready(each);
  }
}

void Schedule::hold(const std::string& stage) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (stages_[i] == stage) hold_with_dependents(i);
  }
}

void Schedule::hold_with_dependents(std::size_t trial) {
  if (states_[trial] != TrialState::kPlanned || !held_.insert(trial).second) return;
  ready_.erase({ranks_[trial], trial});
  for (const auto each : dependents_[trial]) hold_with_dependents(each);
}

void Schedule::retry(std::size_t trial) {
  states_[trial] = TrialState::kPlanned;
  make_ready(trial);
}

void Schedule::block_dependents(std::size_t trial) {
  for (const auto each : dependents_[trial]) {
    if (states_[each] != TrialState::kPlanned) continue;
    states_[each] = TrialState::kBlocked;
    ready_.erase({ranks_[each], each});
    held_.erase(each);
    blocked_.push_back({each, trial});
    block_dependents(each);
  }
}

std::vector<BlockedTrial> Schedule::take_blocked() { return std::exchange(blocked_, {}); }

std::size_t Schedule::count(TrialState state) const {
  return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), state));
}

std::size_t Schedule::ended() const {
  return static_cast<std::size_t>(std::count_if(states_.begin(), states_.end(), has_ended));
}

std::size_t Schedule::left() const {
  return count(TrialState::kPlanned) + count(TrialState::kRunning) - held_.size();
}

std::size_t Schedule::width() const {
  // Depth of each trial below the ones that are left; upstream trials come first in a plan.
  std::vector<std::size_t> depth(states_.size(), 0);
  std::map<std::size_t, std::size_t> at_depth;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != TrialState::kPlanned || held_.contains(i)) continue;
    for (const auto upstream : dependencies_[i]) {
      if (states_[upstream] != TrialState::kDone)
        depth[i] = std::max(depth[i], depth[upstream] + 1);
    }
    ++at_depth[depth[i]];
  }
  std::size_t width = 0;
  for (const auto& [level, count] : at_depth) width = std::max(width, count);
  return width;
}

}  // namespace mvn
