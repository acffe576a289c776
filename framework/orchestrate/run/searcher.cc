#include "orchestrate/run/searcher.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

using State = Observation::State;

// The trials of a draw that are in one state, by their metric's last value.
struct Mean {
  double sum = 0;
  std::int64_t count = 0;
  std::int64_t iterations = 0;

  void add(const TrialHistory& history) {
    if (history.curve.empty() || std::isnan(history.curve.rbegin()->second)) return;
    sum += history.curve.rbegin()->second;
    iterations += static_cast<std::int64_t>(history.curve.size());
    ++count;
  }
  [[nodiscard]] double value() const { return sum / static_cast<double>(count); }
};

Observation observe(const Point& point, const std::vector<const TrialHistory*>& trials,
                    bool maximize) {
  Mean done;
  Mean stopped;
  bool open = false;
  for (const TrialHistory* trial : trials) {
    if (trial->state == TrialState::kDone) done.add(*trial);
    if (trial->state == TrialState::kStopped) stopped.add(*trial);
    open = open || trial->state == TrialState::kPlanned || trial->state == TrialState::kRunning ||
           trial->state == TrialState::kInterrupted;
  }
  const double sign = maximize ? -1 : 1;
  if (done.count > 0) return {point, State::kFinished, sign * done.value(), 0};
  if (open) return {point, State::kRunning, 0, 0};
  if (stopped.count > 0) {
    return {point, State::kStopped, sign * stopped.value(), stopped.iterations / stopped.count};
  }
  return {point, State::kFailed, 0, 0};  // also what `exclude` left out
}

std::size_t draws_left(const PlannedSearch& search) {
  return static_cast<std::size_t>(search.draws) - search.points.size();
}

// All numbers as they are stored and written.
Point rounded_point(const std::vector<Dimension>& space, Point point) {
  for (std::size_t d = 0; d < space.size(); ++d) {
    if (space[d].shares.empty()) point[d] = rounded(point[d]);
  }
  return point;
}

}  // namespace

std::vector<Observation> observe(const PlannedSearch& search, bool maximize,
                                 const std::vector<TrialHistory>& histories) {
  std::map<std::string, const TrialHistory*> by_id;
  for (const auto& history : histories) by_id[history.id] = &history;
  std::vector<Observation> observations;
  for (std::size_t i = 0; i < search.points.size(); ++i) {
    std::vector<const TrialHistory*> trials;
    for (const auto& id : search.trials[i]) {
      if (by_id.contains(id)) trials.push_back(by_id.at(id));
    }
    observations.push_back(observe(search.points[i], trials, maximize));
  }
  return observations;
}

std::size_t trials_to_draw(const SweepPlan& plan) {
  std::size_t count = 0;
  for (const auto& [stage, search] : plan.searches) {
    count += draws_left(search) * static_cast<std::size_t>(search.seeds);
  }
  return count;
}

bool Searcher::waits(const std::string& stage) const {
  const auto& trials = parts_.plan.trials;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].stage == stage && parts_.schedule.state(i) == TrialState::kPlanned) return true;
  }
  return false;
}

std::size_t Searcher::draw() {
  std::size_t added = 0;
  for (const auto& [stage, search] : parts_.plan.searches) {
    // A draw may add nothing: it repeats an earlier one, or `exclude` leaves it out.
    std::size_t now = 0;
    while (now == 0 && !waits(stage) && draws_left(search) > 0) {
      now = draw(stage);
    }
    added += now;
  }
  return added;
}

Point Searcher::next_point(const std::string& stage) const {
  const auto& plan = parts_.plan;
  const PlannedSearch& search = plan.searches.at(stage);
  const auto number = static_cast<std::int64_t>(search.points.size());
  const auto observations =
      observe(search, plan.metrics.at(stage).maximize, parts_.store.histories(plan.name));
  const auto point =
      search.method->next(search.space, observations, draw_seed(search.seed, number));
  const bool fresh = point && std::ranges::none_of(search.points, [&](const Point& each) {
                       return alike(search.space, each, *point);
                     });
  return rounded_point(
      search.space,
      fresh ? *point : fresh_draw(search.space, search.points, search.random, number));
}

std::size_t Searcher::draw(const std::string& stage) {
  auto& plan = parts_.plan;
  const PlannedSearch& search = plan.searches.at(stage);
  PlannedDraw draw = search.plan_draw(plan, next_point(stage));
  const std::vector<PlannedTrial> fresh = draw.fresh;
  if (!fresh.empty()) {
    std::vector<const PlannedTrial*> asked;
    for (const auto& trial : fresh) asked.push_back(&trial);
    parts_.check(asked);
  }
  const auto number = static_cast<std::int64_t>(search.points.size());
  if (draw.room) parts_.store.add_draw(plan, {stage, search.id, number, draw.point}, fresh);
  append(plan, stage, std::move(draw));
  for (const auto& trial : fresh) parts_.schedule.add(trial);
  return fresh.size();
}

}  // namespace mvn
