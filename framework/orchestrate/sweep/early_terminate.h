// `early_terminate` and `run_cap` of a sweep file: when a trial, or the whole sweep, ends before it
// is complete.
#pragma once

#include <optional>

#include "orchestrate/search/stopping.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/plan.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Nothing where the stage has none, or after a problem.
std::optional<StoppingRule> read_early_terminate(const Node& stage, ProblemList& problems);

// A number of trials, or a map of limits.
RunCap read_run_cap(const Node& sweep, ProblemList& problems);

}  // namespace mvn
