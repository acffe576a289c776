// The stages of a sweep: each a configuration with axes of its own over what the stages share.
#pragma once

#include <string>
#include <vector>

#include "orchestrate/sweep/axes.h"
#include "orchestrate/sweep/layers.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"
#include "orchestrate/sweep/section_resolver.h"

namespace mvn {

struct Stage {
  std::string name;  // "" in a sweep without stages
  Mark mark;
  Node tree;  // the shared keys with the stage's own laid upon them
};

std::vector<Stage> read_stages(const Node& sweep, const std::vector<std::string>& sections,
                               const Layering& layering, ProblemList& problems);

// Which stages a stage's trials start from.
struct StageLink {
  std::size_t from = 0;  // the stage that refers
  std::string to;
  Mark mark;
};

// The stages' indices, upstream ones first, otherwise in the file's order. A link to a stage that
// does not exist and a cycle are problems; the result is then incomplete.
std::vector<std::size_t> order_stages(const std::vector<Stage>& stages,
                                      const std::vector<StageLink>& links, ProblemList& problems);

}  // namespace mvn
