// `mvn-runner import wandb SWEEP.yaml`: a sweep file of W&B as one of mvn-runner.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/sweep/problems.h"

namespace mvn {

struct ImportedWandb {
  std::string sweep;              // YAML
  std::vector<Problem> warnings;  // what was left out, or is otherwise here; in the file's order
};

// Throws SweepErrors for all that cannot be said here, at its place.
ImportedWandb import_wandb(const std::filesystem::path& file);

// Writes it to `output`, or to `out` where that is "", and the warnings to `notes`. Throws
// UsageError where the file exists already.
void write_wandb(const std::filesystem::path& file, const std::string& output, std::ostream& out,
                 std::ostream& notes);

}  // namespace mvn
