// A training step whose loss looks at all of its examples: see mvn/whole_batch_task.h.
#pragma once

#include <vector>

#include "mvn/whole_batch_task.h"
#include "train/trainer/experiment.h"

namespace mvn {

// Where the experiment's task is such a one: it; else null.
WholeBatchTask* whole_batch_task(Task& task);

// Throws ConfigError where the options of training do not suit such a task; nothing for any other.
void expect_whole_batches(Task& task, const TrainingOptions& training);

// Adds the gradients of the step's loss, divided by `count`, and returns the loss. `parts` are the
// step's examples in order. The parts' random numbers are the same in both passes over them, and
// are left as one pass leaves them.
LossSum backward_of_whole_batch(const Experiment& experiment, WholeBatchTask& task,
                                const std::vector<Batch>& parts, double count);

}  // namespace mvn
