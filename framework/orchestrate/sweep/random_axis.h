// The draws over an axis of `method: random` and `method: bayes`: W&B's distributions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/search/space.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// An axis that is drawn from: what a draw is, and how it is written.
struct RandomAxis {
  Dimension dimension;
  std::function<double(double uniform)> draw;  // from a uniform number in (0, 1)
  std::function<Node(double drawn)> node;      // the value of a draw
};

// All that `distribution` may say.
std::vector<std::string> distribution_names();

// What is wrong with a distribution that is none of `known`.
std::string why_no_distribution(const Node& name, const std::vector<std::string>& known);

// Nothing after a problem, which names `key`. The result refers to `axis`.
std::optional<RandomAxis> read_random_axis(const std::string& key, const Node& axis,
                                           ProblemList& problems);

// A uniform number in (0, 1), the same on every machine: a function of `seed`, `key` and `draw`.
// More draws, or another axis, leave those that there are as they were.
double uniform_draw(const std::string& key, std::int64_t seed, std::int64_t draw);

// The index from 0 to size - 1 that a uniform number falls on.
double uniform_index(double uniform, std::size_t size);

}  // namespace mvn
