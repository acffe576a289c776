// How the layers of a configuration lie upon each other: recipe < base (extended file < file <
// stage) < axis values < --set.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// Lays one layer upon another. Of parameters that exclude or replace each other, by their
// declarations, one in the higher layer takes the place of the other in the lower one:
// `--set training.steps=10` does away with the file's `epochs`.
class Layering {
 public:
  explicit Layering(const Description& installed);

  // Deep merge of a section's map.
  void merge_section(std::string_view section, Node& base, const Node& over) const;

  // Merges whole sweep files or stages: sections deeply, `parameters` axis by axis (an axis is
  // replaced, not merged), `stages` stage by stage.
  void merge_sweep(Node& base, const Node& over) const;

 private:
  using Pair = std::pair<std::string, std::string>;

  void add(const std::string& section, const std::vector<ParamSpec>& specs);
  void merge_stages(Node& base, const Node& over) const;

  std::map<std::string, std::vector<Pair>, std::less<>> pairs_;  // by section
};

// Rewrites nested `parameters:` (W&B) into dotted keys, in the file's own and its stages'.
void flatten_parameters(Node& sweep, ProblemList& problems);

// Problems for parameters of a section that exclude each other and are both given.
void check_exclusive(const std::string& section, const std::vector<ParamSpec>& specs,
                     const Node& values, ProblemList& problems);

}  // namespace mvn
