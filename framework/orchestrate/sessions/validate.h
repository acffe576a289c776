// Asks the worker about every configuration before anything runs: files, columns, tokenizers,
// tensor shapes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "orchestrate/process/signals.h"
#include "orchestrate/sweep/plan.h"
#include "orchestrate/workers/worker_program.h"

namespace mvn {

// What the worker said of all configurations, each line once.
struct Validation {
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what it read
};

// Checks trials of the plan, or of a draw that is not in it yet: each configuration once whatever
// its seeds. Throws SweepErrors with every problem at its place in the sweep
// file. `model_folder` is where a trained trial's model is, or empty while it is not trained;
// `hub_path` where on this machine lies what is of the hub.
Validation validate(const SweepPlan& plan, const std::vector<const PlannedTrial*>& trials,
                    const Description& installed, const WorkerProgram& worker,
                    const std::function<std::filesystem::path(const std::string& id)>& model_folder,
                    const HubPath& hub_path, Signals& signals);

}  // namespace mvn
