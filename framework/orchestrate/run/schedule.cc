#include "orchestrate/run/schedule.h"

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
  if (!trial.stage.empty()) index_[trial.id] = own;
  states_.push_back(state);
  ++counts_[state];
  ranks_.push_back(trial.rank);
  stages_.push_back(number_of_stage(trial.stage));
  waits_for_.push_back(0);
  for (const auto& id : trial.depends_on) {
    const auto found = index_.find(id);
    if (found == index_.end()) continue;
    dependents_[found->second].push_back(own);
    dependencies_[own].push_back(found->second);
    if (states_[found->second] != TrialState::kDone) ++waits_for_[own];
    if (cannot_start_from(states_[found->second]) && states_[own] == TrialState::kPlanned) {
      change(own, TrialState::kBlocked);
      blocked_.push_back({own, found->second});
    }
  }
  if (waits_for_[own] == 0 && states_[own] == TrialState::kPlanned) make_ready(own);
}

void Schedule::change(std::size_t trial, TrialState state) {
  --counts_[states_[trial]];
  ++counts_[state];
  states_[trial] = state;
}

std::uint32_t Schedule::number_of_stage(const std::string& stage) {
  auto found = std::ranges::find(stage_names_, stage);
  if (found == stage_names_.end()) found = stage_names_.insert(found, stage);
  return static_cast<std::uint32_t>(found - stage_names_.begin());
}

std::vector<std::size_t> Schedule::dependents_of(std::size_t trial) const {
  const auto found = dependents_.find(trial);
  return found == dependents_.end() ? std::vector<std::size_t>() : found->second;
}

std::optional<std::size_t> Schedule::first_ready() const {
  if (ready_.empty()) return std::nullopt;
  return ready_.begin()->second;
}

std::optional<std::size_t> Schedule::next() {
  const auto trial = first_ready();
  if (!trial) return std::nullopt;
  ready_.erase(ready_.begin());
  change(*trial, TrialState::kRunning);
  return trial;
}

void Schedule::finish(std::size_t trial, TrialState state) {
  change(trial, state);
  if (state == TrialState::kDone) {
    free_dependents(trial);
  } else if (cannot_start_from(state)) {
    block_dependents(trial);
  }
}

void Schedule::free_dependents(std::size_t trial) {
  for (const auto each : dependents_of(trial)) {
    const bool planned = states_[each] == TrialState::kPlanned && !held_.contains(each);
    if (--waits_for_[each] == 0 && planned) make_ready(each);
  }
}

void Schedule::hold(const std::string& stage) {
  const auto number = number_of_stage(stage);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (stages_[i] == number) hold_with_dependents(i);
  }
}

void Schedule::hold_with_dependents(std::size_t trial) {
  if (states_[trial] != TrialState::kPlanned || !held_.insert(trial).second) return;
  ready_.erase({ranks_[trial], trial});
  for (const auto each : dependents_of(trial)) hold_with_dependents(each);
}

void Schedule::retry(std::size_t trial) {
  change(trial, TrialState::kPlanned);
  make_ready(trial);
}

void Schedule::block_dependents(std::size_t trial) {
  for (const auto each : dependents_of(trial)) {
    if (states_[each] != TrialState::kPlanned) continue;
    change(each, TrialState::kBlocked);
    ready_.erase({ranks_[each], each});
    held_.erase(each);
    blocked_.push_back({each, trial});
    block_dependents(each);
  }
}

std::vector<BlockedTrial> Schedule::take_blocked() { return std::exchange(blocked_, {}); }

std::size_t Schedule::count(TrialState state) const {
  const auto found = counts_.find(state);
  return found == counts_.end() ? 0 : found->second;
}

std::size_t Schedule::ended() const {
  std::size_t ended = 0;
  for (const auto& [state, count] : counts_) ended += has_ended(state) ? count : 0;
  return ended;
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
    if (const auto upstream = dependencies_.find(i); upstream != dependencies_.end()) {
      for (const auto each : upstream->second) {
        if (states_[each] != TrialState::kDone) depth[i] = std::max(depth[i], depth[each] + 1);
      }
    }
    ++at_depth[depth[i]];
  }
  std::size_t width = 0;
  for (const auto& [level, count] : at_depth) width = std::max(width, count);
  return width;
}

}  // namespace mvn
