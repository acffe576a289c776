// A sweep file as one tree: read, with what it extends and the command line's overrides applied.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/description.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"
#include "orchestrate/sweep/yaml_reader.h"

namespace mvn {

// A `--set KEY=VALUE` that concerns the trials' configuration: laid upon every trial of its stage.
struct Override {
  std::string stage;              // "": all of them
  std::vector<std::string> path;  // {"task", "text"}
  Mark mark;
  Node value;
};

struct SweepDocument {
  std::string text;  // the file itself, as read
  Node root;         // everything merged, overrides included
  std::vector<Override> overrides;
};

// `installed` with the sections that the runner itself declares: `worker` (a program of the user's
// that runs the trial) and `args` (its own parameters).
Description with_own_sections(Description installed);

// "model", "adapter", "task" and the trainer's own sections: what a trial's configuration holds.
std::vector<std::string> section_names(const Description& installed);

SweepDocument load_sweep(const std::filesystem::path& file, const Description& installed,
                         const std::vector<std::string>& overrides, ProblemList& problems);

// Reads a YAML file whose root must be a map ("a sweep", "a recipe"); null where it is not.
Node read_yaml_file(const std::filesystem::path& file, std::string_view what, ProblemList& problems,
                    YamlDialect dialect = YamlDialect::kSweep);

}  // namespace mvn
