// The `prepare` commands of a sweep: they make data where it is missing.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/process/signals.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

// Those whose `creates` does not exist.
std::vector<Preparation> missing_preparations(const SweepPlan& plan);

// Runs those, each in its folder, one after the other, saying so. Throws Error with the end
// of its output when one fails or does not create what it says, Interrupted on a stop signal.
void prepare(const SweepPlan& plan, std::ostream& out, Signals& signals);

}  // namespace mvn
