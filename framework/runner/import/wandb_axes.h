// `parameters` of a W&B sweep file as axes over `args`.
#pragma once

#include <string>
#include <vector>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

struct WandbProgram {
  std::string method;     // grid, random or bayes; "" where it is none of them
  std::string args_word;  // how its command hands over the parameters: "${args}"; "" for a file
};

// Whether it is a map with none but these keys; a problem for what is not.
bool check_wandb_map(const std::string& key, const Node& map, const std::vector<std::string>& known,
                     ProblemList& problems);

// The lines below `parameters:`. Problems and warnings are at the places of the file.
std::string wandb_axes(const Node& parameters, const WandbProgram& program, ProblemList& problems,
                       ProblemList& warnings);

}  // namespace mvn
