// What a trained trial leaves behind.
#pragma once

#include <cstdint>

#include "common/spool.h"
#include "common/trial.h"
#include "train/trainer/experiment.h"

namespace mvn {

// Writes the model (or the adapter) and its tokenizer's files into the trial's model folder, whole
// or not at all; records the artifacts; marks the trial done; removes its checkpoints but those
// that training.keep_every keeps.
void save_result(const Experiment& experiment, const TrialFile& trial, std::int64_t step,
                 SpoolWriter& spool);

// Writes the model as it is now into the folder best/ of the trial, in place of one before it.
void save_best_model(const Experiment& experiment, const TrialPaths& paths, std::int64_t step,
                     SpoolWriter& spool);

}  // namespace mvn
