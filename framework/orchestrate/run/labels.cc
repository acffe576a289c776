#include "orchestrate/run/labels.h"

#include <algorithm>

#include "orchestrate/store/label.h"

namespace mvn {
namespace {

bool seeds_differ(const SweepPlan& plan) {
  return std::any_of(plan.trials.begin(), plan.trials.end(),
                     [&](const auto& trial) { return trial.seed != plan.trials.front().seed; });
}

}  // namespace

std::vector<std::string> trial_labels(const SweepPlan& plan) {
  auto labels = label_trials(plan);
  const TrialNames name{plan.name, seeds_differ(plan)};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = name(plan.trials[i].stage, labels[i], plan.trials[i].seed);
  }
  return labels;
}

}  // namespace mvn
