#include "orchestrate/run/searcher.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "mvn/error.h"
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

std::set<std::string> ids_of(const SweepPlan& plan) {
  std::set<std::string> ids;
  for (const auto& trial : plan.trials) ids.insert(trial.id);
  return ids;
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
  std::vector<std::string> stages;  // a draw replaces the searches
  for (const auto& [stage, search] : parts_.plan.searches) stages.push_back(stage);
  for (const auto& stage : stages) {
    // A draw may add nothing: it repeats an earlier one, or `exclude` leaves it out.
    std::size_t now = 0;
    while (now == 0 && !waits(stage) && draws_left(parts_.plan.searches.at(stage)) > 0) {
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
  const auto point = draw_by_tpe(search.space, observations, draw_seed(search.seed, number));
  const bool fresh = point && std::ranges::none_of(search.points, [&](const Point& each) {
                       return alike(search.space, each, *point);
                     });
  return rounded_point(
      search.space,
      fresh ? *point : fresh_draw(search.space, search.points, search.random, number));
}

// The plan with one more draw. Its other draws are given to it as they are.
SweepPlan Searcher::plan_with(const std::string& stage, const Point& point) const {
  std::map<std::string, std::vector<Point>> drawn;
  for (const auto& [name, search] : parts_.plan.searches) {
    const auto first = std::min(search.points.size(), kStartupDraws);
    drawn[name].assign(search.points.begin() + static_cast<std::ptrdiff_t>(first),
                       search.points.end());
  }
  drawn[stage].push_back(point);
  SweepPlan next = parts_.replan(drawn);
  const auto search = next.searches.find(stage);
  if (search == next.searches.end() || search->second.id != parts_.plan.searches.at(stage).id) {
    throw Error("the sweep file changed while it ran: no more trials are drawn; run it again");
  }
  return next;
}

std::size_t Searcher::draw(const std::string& stage) {
  auto& plan = parts_.plan;
  PlannedSearch& search = plan.searches.at(stage);
  const Point point = next_point(stage);
  SweepPlan next = plan_with(stage, point);
  const std::set<std::string> before = ids_of(plan);
  const std::set<std::string> after = ids_of(next);
  const auto& own = next.searches.at(stage).trials.back();
  if (!own.empty() &&
      std::none_of(own.begin(), own.end(), [&](const auto& id) { return after.contains(id); })) {
    search.draws = static_cast<std::int64_t>(search.points.size());  // run_cap has no room for it
    return 0;
  }
  std::vector<PlannedTrial> fresh;
  for (const auto& trial : next.trials) {
    if (!before.contains(trial.id)) fresh.push_back(trial);
  }
  if (!fresh.empty()) {
    parts_.check(next, [&](const PlannedTrial& trial) { return !before.contains(trial.id); });
  }
  const auto number = static_cast<std::int64_t>(search.points.size());
  parts_.store.add_draw(plan, {stage, search.id, number, point}, fresh);
  search = std::move(next.searches.at(stage));
  for (auto& trial : fresh) {
    parts_.schedule.add(trial);
    plan.trials.push_back(std::move(trial));
  }
  return fresh.size();
}

}  // namespace mvn
