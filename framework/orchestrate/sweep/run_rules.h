// The keys of a sweep file that say how its trials run: `retry`, `limits`.
#pragma once

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/plan.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

RetryRules read_retry(const Node& sweep, ProblemList& problems);
Limits read_limits(const Node& sweep, ProblemList& problems);

}  // namespace mvn
