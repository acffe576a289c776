// One pass over a split without training.
#pragma once

#include <filesystem>
#include <vector>

#include "mvn/task.h"
#include "train/trainer/experiment.h"

namespace mvn {

// Leaves the model in evaluation mode.
EvaluationResult evaluate(const Experiment& experiment, Split split);

// One JSON object a line: {"example":0,"label":1,"predicted":1,"confidence":0.9}, by example.
// Written atomically.
void write_predictions(const std::filesystem::path& path, std::vector<Prediction> predictions);

}  // namespace mvn
