// The keys of a sweep file that are about the sweep and not about a trial's configuration: each map
// of them into its struct of rules.h, with the defaults of that where a key is not given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/search/stopping.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

// Problems for keys that a sweep file (or, where `stage`, a stage) does not have, with the reason
// where another program's or a later version's files have them; for a method that does not exist;
// for sections that are no maps.
void check_keys(const Node& sweep, bool stage, const std::vector<std::string>& sections,
                ProblemList& problems);

// Sweep and stage names become folder names: letters, digits, '-', '_', '.', no '.' or '-' first.
bool is_plain_name(const std::string& name);

std::string read_name(const Node& sweep, const std::filesystem::path& file, ProblemList& problems);
MetricGoal read_metric(const Node& stage, ProblemList& problems);
Resources read_resources(const Node& sweep, ProblemList& problems);
RetryRules read_retry(const Node& sweep, ProblemList& problems);
Limits read_limits(const Node& sweep, ProblemList& problems);
RunCap read_run_cap(const Node& sweep, ProblemList& problems);
SlurmRequest read_slurm(const Node& sweep, ProblemList& problems);
std::vector<Preparation> read_prepare(const Node& sweep, ProblemList& problems);

// `search` of a stage: how `method: random` and `method: bayes` draw.
struct Search {
  std::optional<std::int64_t> draws;  // combinations, each run with every seed of `repeats`
  std::int64_t seed = 0;
};
Search read_search(const Node& stage, ProblemList& problems);

// Nothing where the stage has none, or after a problem.
std::optional<StoppingRule> read_early_terminate(const Node& stage, ProblemList& problems);

}  // namespace mvn
