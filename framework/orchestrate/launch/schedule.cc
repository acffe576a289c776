#include "orchestrate/launch/schedule.h"

#include <algorithm>
#include <utility>

namespace mvn {

Schedule::Schedule(const std::vector<PlannedTrial>& trials,
                   const std::map<std::string, TrialState>& known)
    : states_(trials.size(), TrialState::kPlanned),
      dependents_(trials.size()),
      dependencies_(trials.size()),
      waits_for_(trials.size(), 0) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    index[trials[i].id] = i;
    const auto before = known.find(trials[i].id);
    if (before != known.end() &&
        (before->second == TrialState::kDone || before->second == TrialState::kDiverged)) {
      states_[i] = before->second;
    }
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    for (const auto& id : trials[i].depends_on) {
      if (!index.contains(id)) continue;
      const auto upstream = index[id];
      dependents_[upstream].push_back(i);
      dependencies_[i].push_back(upstream);
      if (states_[upstream] != TrialState::kDone) ++waits_for_[i];
    }
    if (states_[i] == TrialState::kPlanned && waits_for_[i] == 0) ready_.insert(i);
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (states_[i] == TrialState::kDiverged) block_dependents(i);
  }
}

std::optional<std::size_t> Schedule::next() {
  if (ready_.empty()) return std::nullopt;
  const auto trial = *ready_.begin();
  ready_.erase(ready_.begin());
  states_[trial] = TrialState::kRunning;
  return trial;
}

void Schedule::finish(std::size_t trial, TrialState state) {
  states_[trial] = state;
  if (state == TrialState::kDone) {
    for (const auto each : dependents_[trial]) {
      if (--waits_for_[each] == 0 && states_[each] == TrialState::kPlanned) ready_.insert(each);
    }
  } else if (state == TrialState::kFailed || state == TrialState::kDiverged) {
    block_dependents(trial);
  }
}

void Schedule::retry(std::size_t trial) {
  states_[trial] = TrialState::kPlanned;
  ready_.insert(trial);
}

void Schedule::block_dependents(std::size_t trial) {
  for (const auto each : dependents_[trial]) {
    if (states_[each] != TrialState::kPlanned) continue;
    states_[each] = TrialState::kBlocked;
    ready_.erase(each);
    blocked_.push_back({each, trial});
    block_dependents(each);
  }
}

std::vector<BlockedTrial> Schedule::take_blocked() { return std::exchange(blocked_, {}); }

std::size_t Schedule::count(TrialState state) const {
  return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), state));
}

std::size_t Schedule::left() const {
  return count(TrialState::kPlanned) + count(TrialState::kRunning);
}

std::size_t Schedule::width() const {
  // Depth of each trial below the ones that are left; upstream trials come first in a plan.
  std::vector<std::size_t> depth(states_.size(), 0);
  std::map<std::size_t, std::size_t> at_depth;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != TrialState::kPlanned) continue;
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
