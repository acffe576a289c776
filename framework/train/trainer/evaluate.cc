#include "train/trainer/evaluate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/files.h"
#include "common/json.h"
#include "train/trainer/batches.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"

namespace mvn {

EvaluationResult evaluate(const Experiment& experiment, Split split) {
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(experiment.autocast(), experiment.device);
  experiment.set_training(false);
  const auto evaluation = experiment.task->start_evaluation(split);
  for (const auto& examples :
       plan_evaluation(experiment.task->lengths(split), experiment.training)) {
    const PlacedBatch placed(experiment.task->collate(split, examples), experiment.device);
    evaluation->add(*experiment.model, placed.batch());
  }
  return evaluation->finish();
}

void write_predictions(const std::filesystem::path& path, std::vector<Prediction> predictions) {
  std::sort(predictions.begin(), predictions.end(),
            [](const Prediction& a, const Prediction& b) { return a.example < b.example; });
  std::string lines;
  for (const auto& each : predictions) {
    lines += "{\"example\":" + std::to_string(each.example) +
             ",\"label\":" + std::to_string(each.label) +
             ",\"predicted\":" + std::to_string(each.predicted) +
             ",\"confidence\":" + number_to_json(each.confidence).dump() + "}\n";
  }
  write_file_atomically(path, lines);
}

}  // namespace mvn
