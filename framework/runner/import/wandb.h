// `mvn-runner import wandb SWEEP.yaml`: a sweep file of W&B as one of mvn-runner.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "orchestrate/sweep/problems.h"

namespace mvn {

struct WandbOptions {
  std::string program;  // in place of the file's; "" for that one
  std::string output;   // the sweep file that it becomes; "" where it is printed
};

struct ImportedWandb {
  std::string sweep;              // YAML
  std::vector<Problem> warnings;  // what was left out, or is otherwise here; in the file's order
  bool needs_run_cap = false;     // it cannot be planned without, and the file has none
};

// Throws SweepErrors for all that cannot be said here, at its place.
ImportedWandb import_wandb(const std::filesystem::path& file, const WandbOptions& options);

// Writes it to its file, or to `out`, and the warnings to `notes`. Throws UsageError where the file
// exists already.
void write_wandb(const std::filesystem::path& file, const WandbOptions& options, std::ostream& out,
                 std::ostream& notes);

}  // namespace mvn
