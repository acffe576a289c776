#include "orchestrate/run/stopper.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mvn {

Stopper::Stopper(const SweepPlan& plan, const std::vector<TrialHistory>& histories) : plan_(plan) {
  std::map<std::string, const PlannedTrial*> planned;
  for (const auto& trial : plan.trials) planned[trial.id] = &trial;
  for (const auto& history : histories) {
    const auto found = planned.find(history.id);
    if (found == planned.end()) continue;
    const PlannedTrial& trial = *found->second;
    Known& known = stages_[trial.stage][trial.id];
    for (const auto& [step, value] : history.curve) known.values[step] = {value, 0};
    known.done = history.state == TrialState::kDone;
    known.judged = static_cast<std::int64_t>(history.curve.size());
    for (const auto& [step, value] : history.curve) note_target(trial, value);
  }
}

// From the first step of an attempt on, what earlier ones reported does not count.
void Stopper::replace_values(Known& known, int attempt, std::int64_t first) {
  for (auto value = known.values.lower_bound(first); value != known.values.end();) {
    value = value->second.attempt < attempt ? known.values.erase(value) : std::next(value);
  }
  known.judged = std::min(known.judged, static_cast<std::int64_t>(known.values.size()));
}

void Stopper::begin(Known& known, int attempt, const StartRecord& start) {
  if (!start.resumed_step) return;
  known.goes_on = *start.resumed_step > 0;
  replace_values(known, attempt, first_step_after(*start.resumed_step));
}

void Stopper::absorb(const PlannedTrial& trial, int attempt, const Record& record) {
  const auto* start = record.as<StartRecord>();
  const auto* metric = record.as<MetricRecord>();
  if (!watches(trial.stage) || (start == nullptr && metric == nullptr)) return;
  Known& known = stages_[trial.stage][trial.id];
  if (std::exchange(known.attempt, attempt) != attempt) known.goes_on = false;
  if (start != nullptr) return begin(known, attempt, *start);
  if (!known.goes_on) replace_values(known, attempt, metric->step);
  const auto value = metric->values.find(plan_.metrics.at(trial.stage).name);
  if (value == metric->values.end()) return;
  known.values[metric->step] = {value->second, attempt};
  note_target(trial, value->second);
}

bool Stopper::watches(const std::string& stage) const {
  const auto goal = plan_.metrics.find(stage);
  return goal != plan_.metrics.end() &&
         (goal->second.target.has_value() || plan_.stopping.contains(stage));
}

void Stopper::finish(const PlannedTrial& trial, TrialState state) {
  if (!watches(trial.stage)) return;
  stages_[trial.stage][trial.id].done = state == TrialState::kDone;
}

void Stopper::forget(const PlannedTrial& trial) { stages_[trial.stage].erase(trial.id); }

void Stopper::note_target(const PlannedTrial& trial, double value) {
  const auto goal = plan_.metrics.find(trial.stage);
  if (goal == plan_.metrics.end() || !goal->second.target || reached_.contains(trial.stage)) return;
  const double target = *goal->second.target;
  if (goal->second.maximize ? value >= target : value <= target) {
    reached_[trial.stage] = {trial.id, value};
  }
}

std::optional<Stopper::Reached> Stopper::target_reached(const std::string& stage) const {
  const auto found = reached_.find(stage);
  return found == reached_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Json> Stopper::judge(const PlannedTrial& trial) {
  if (!plan_.stopping.contains(trial.stage)) return std::nullopt;
  Known& known = stages_[trial.stage][trial.id];
  const auto reached = static_cast<std::int64_t>(known.values.size());
  if (reached <= known.judged) return std::nullopt;
  auto decision = judge(trial, known.judged);
  known.judged = reached;
  return decision;
}

std::optional<Json> Stopper::judge_anew(const PlannedTrial& trial) const { return judge(trial, 0); }

std::optional<Json> Stopper::judge(const PlannedTrial& trial, std::int64_t seen) const {
  const auto rule = plan_.stopping.find(trial.stage);
  const auto stage = stages_.find(trial.stage);
  if (rule == plan_.stopping.end() || stage == stages_.end()) return std::nullopt;
  std::vector<Curve> curves;
  std::optional<std::size_t> own;
  for (const auto& [id, known] : stage->second) {
    if (id == trial.id) own = curves.size();
    Curve& curve = curves.emplace_back();
    for (const auto& [step, value] : known.values) curve.values.push_back(value.value);
    curve.done = known.done;
  }
  if (!own) return std::nullopt;
  const auto decision =
      mvn::judge(rule->second, plan_.metrics.at(trial.stage).maximize, curves, *own, seen);
  if (!decision) return std::nullopt;
  return Json{{"rule", rule->second.written},
              {"iteration", decision->iteration},
              {"value", number_to_json(decision->value)},
              {"threshold", number_to_json(decision->threshold)},
              {"peers", decision->peers},
              {"reason", decision->reason}};
}

StopReview review_stops(const SweepPlan& plan, const std::vector<TrialHistory>& histories) {
  StopReview review;
  const Stopper stopper(plan, histories);
  std::map<std::string, const PlannedTrial*> planned;
  for (const auto& trial : plan.trials) planned[trial.id] = &trial;
  for (const auto& history : histories) {
    if (history.state != TrialState::kStopped || !planned.contains(history.id)) continue;
    const PlannedTrial& trial = *planned.at(history.id);
    const auto rule = plan.stopping.find(trial.stage);
    const bool same = rule != plan.stopping.end() && history.stop.is_object() &&
                      history.stop.value("rule", Json()) == rule->second.written;
    if (same) continue;
    if (auto decision = stopper.judge_anew(trial)) {
      review.decisions[trial.id] = std::move(*decision);
    } else {
      review.resumed.insert(trial.id);
    }
  }
  return review;
}

}  // namespace mvn
