// What people call a trial: its stage and what sets it apart, "classify lr=0.001 seed=2".
#pragma once

#include <string>
#include <vector>

#include "orchestrate/sweep/plan.h"

namespace mvn {

// One label per trial of the plan, unlike all others of its stage: the names that the results have
// (see labels() of the store) with the stage and, where seeds differ, the seed.
std::vector<std::string> trial_labels(const SweepPlan& plan);

}  // namespace mvn
