// How the layers of a configuration lie upon each other: recipe < base (extended file < file <
// stage) < axis values < --set.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Two parameters of which only one may be given. In a higher layer, one takes the place of the
// other below: `--set training.steps=10` does away with the file's `epochs`.
struct Exclusive {
  std::string_view section;
  std::string_view first;
  std::string_view second;
};
const std::vector<Exclusive>& exclusive_parameters();

// Deep merge of a section's map, exclusive parameters in mind.
void merge_section(std::string_view section, Node& base, const Node& over);

// Merges whole sweep files or stages: sections deeply, `parameters` axis by axis (an axis is
// replaced, not merged), `stages` stage by stage.
void merge_sweep(Node& base, const Node& over);

// Rewrites nested `parameters:` (W&B) into dotted keys, in the file's own and its stages'.
void flatten_parameters(Node& sweep, ProblemList& problems);

// Problems for a section's pairs of exclusive parameters that are both given.
void check_exclusive(std::string_view section, const Node& values, ProblemList& problems);

}  // namespace mvn
