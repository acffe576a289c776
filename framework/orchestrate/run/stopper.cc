#include "orchestrate/run/stopper.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "common/spool.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// NaN for null: encoders without a NaN write it so.
std::optional<double> number_of(const Json& value) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  try {
    return number_from_json(value);
  } catch (const Error&) {
    return std::nullopt;  // the store reports it
  }
}

}  // namespace

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
void Stopper::replace_values(Known& known, int attempt, const Json& record) {
  const bool begins = record.value("type", std::string()) == "start";
  const auto step = whole_number(record.value(begins ? "resumed_step" : "step", Json()));
  if (attempt != known.attempt) known.goes_on = false;
  known.attempt = attempt;
  if (!step || (known.goes_on && !begins)) return;
  std::int64_t first = *step;
  if (begins) {
    known.goes_on = first > 0;
    first = first_step_after(first);
  }
  for (auto value = known.values.lower_bound(first); value != known.values.end();) {
    value = value->second.attempt < attempt ? known.values.erase(value) : std::next(value);
  }
  known.judged = std::min(known.judged, static_cast<std::int64_t>(known.values.size()));
}

void Stopper::absorb(const PlannedTrial& trial, int attempt, const Json& record) {
  const auto type = record.value("type", std::string());
  if (!watches(trial.stage) || (type != "metric" && type != "start")) return;
  const auto goal = plan_.metrics.find(trial.stage);
  Known& known = stages_[trial.stage][trial.id];
  replace_values(known, attempt, record);
  const auto step = whole_number(record.value("step", Json()));
  const auto values = record.find("values");
  if (type != "metric" || !step) return;
  if (values == record.end() || !values->is_object()) return;
  const auto value = values->find(goal->second.name);
  if (value == values->end()) return;
  const auto number = number_of(*value);
  if (!number) return;
  known.values[*step] = {*number, attempt};
  note_target(trial, *number);
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
