// Where a trial got a value from.
#pragma once

#include <string>

#include "orchestrate/sweep/plan.h"

namespace mvn {

// The place where `key` ("task.text") of this trial got its value: in its own item of `trials`, in
// its own value of an axis over maps; otherwise the place of any trial of its stage.
Location locate(const SweepPlan& plan, const PlannedTrial& trial, const std::string& key);

}  // namespace mvn
