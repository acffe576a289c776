// `trials`, `zip`, `parameters`, `when` and `repeats` of a stage -> groups of points. The trials
// are the product of the groups, the last one varying fastest.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/search/draw_method.h"
#include "orchestrate/sweep/condition.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"
#include "orchestrate/sweep/random_axis.h"
#include "orchestrate/sweep/section_resolver.h"

namespace mvn {

// One axis (each point assigns one key), several that move together, or a list of trials.
struct AxisGroup {
  std::vector<std::vector<Assignment>> points;
};

// `when`: axes of the combinations for which a condition holds.
struct ConditionalAxes {
  Condition condition;
  std::vector<AxisGroup> groups;
};

// An axis that is drawn from: over the values of one key, or over the points of a `zip`.
struct DrawnAxis {
  std::string key;
  RandomAxis random;
  const AssignedKey* assigned_key = nullptr;  // nullptr for a zip
  AxisGroup zipped;
  Json written;
};

// A method that draws as it learns, and the random draws that it begins with.
struct DrawnSearch {
  const DrawMethod* method = nullptr;
  std::int64_t seed = 0;
  std::int64_t draws = 0;   // that there are to be: no more than there are points
  std::int64_t wanted = 0;  // that were asked for
  std::vector<Dimension> space;
  std::function<Point(std::int64_t draw)> random;
  std::vector<Point> points;  // the random ones
  std::vector<DrawnAxis> axes;
  Json written;  // the axes: what tells one search from another
};

// Owns the keys and generated values that its groups point to; otherwise these point into the
// stage's tree.
struct Axes {
  std::deque<AssignedKey> keys;
  std::deque<Node> generated;
  std::vector<AxisGroup> groups;  // in the order: trials, or draws, or zip; parameters
  std::vector<ConditionalAxes> conditional;
  AxisGroup repeats;                  // over seeds; no points where there are none
  std::optional<DrawnSearch> search;  // then the first group has its draws
};

// The values that a draw of a search gives its keys.
std::vector<Assignment> assignments(Axes& axes, const std::vector<DrawnAxis>& drawn,
                                    const Point& point);

// `overridden` are the keys of the command line: an axis whose key one of these covers has only
// that value left. `run_cap`: the sweep's, from which a random search takes its number of draws
// where the stage has none of its own.
Axes read_axes(const Node& stage, const Description& installed,
               const std::vector<std::vector<std::string>>& overridden,
               std::optional<std::int64_t> run_cap, ProblemList& problems);

// The values of one axis of a grid: of `values`, or of a range. Problems name `key`.
std::vector<Node> grid_points(const std::string& key, const Node& axis, ProblemList& problems);

}  // namespace mvn
