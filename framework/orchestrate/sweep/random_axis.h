// The draws over an axis of `method: random`: W&B's distributions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Draws 0, 1, ..., count - 1 of the axis. Each is a function of `seed`, `key` and its own index:
// more draws, or another axis, leave those that there are as they were. Problems name `key`.
std::vector<Node> random_points(const std::string& key, const Node& axis, std::int64_t seed,
                                std::int64_t count, ProblemList& problems);

// An even draw from 0 to size - 1.
std::size_t random_index(const std::string& key, std::int64_t seed, std::int64_t draw,
                         std::size_t size);

}  // namespace mvn
