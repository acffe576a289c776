// What PyYAML, and with it W&B, takes plain scalars for: YAML 1.1, whose `no` is false and whose
// 010 is 8.
#pragma once

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Rewrites the tree's scalars so that YAML 1.2 reads what PyYAML read. A warning for each that then
// looks otherwise, and for the first number that is a text to PyYAML (1e-5), which stays a number.
void read_as_python(Node& tree, ProblemList& warnings);

}  // namespace mvn
