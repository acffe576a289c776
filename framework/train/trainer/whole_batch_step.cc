#include "train/trainer/whole_batch_step.h"

#include <functional>

#include "mvn/error.h"
#include "mvn/recompute.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"

namespace mvn {
namespace {

using torch::Tensor;

// Where LibTorch's generators are in their sequences.
class RandomState {
 public:
  explicit RandomState(torch::Device device) {
    for (const auto each : {torch::Device(torch::kCPU), device}) {
      auto generator = at::globalContext().defaultGenerator(each);
      generators_.emplace_back(generator, generator.get_state());
    }
  }
  void restore() const {
    for (auto [generator, state] : generators_) generator.set_state(state);
  }

 private:
  std::vector<std::pair<torch::Generator, Tensor>> generators_;
};

// `use` gets the vectors while what they were made of is there.
void with_vectors(const Experiment& experiment, WholeBatchTask& task, const Batch& part,
                  const std::function<void(const Tensor&)>& use) {
  const PlacedBatch placed(part, experiment.device);
  const Tensor vectors = [&] {
    const AutocastScope autocast(experiment.autocast(), experiment.device);
    const RecomputeScope recompute(experiment.training.activation_checkpointing);
    return task.vectors(*experiment.model, placed.batch());
  }();
  use(vectors);
}

std::vector<std::int64_t> examples_of(const std::vector<Batch>& parts) {
  std::vector<std::int64_t> examples;
  for (const auto& part : parts) {
    examples.insert(examples.end(), part.examples.begin(), part.examples.end());
  }
  return examples;
}

}  // namespace

WholeBatchTask* whole_batch_task(Task& task) { return dynamic_cast<WholeBatchTask*>(&task); }

void expect_whole_batches(Task& task, const TrainingOptions& training) {
  auto* whole = whole_batch_task(task);
  if (whole == nullptr || !training.trains()) return;
  if (training.cuda_graphs) {
    throw ConfigError("training.cuda_graphs",
                      "cannot record this task's steps, whose loss looks at all of their examples");
  }
  whole->expect_batch_size(training.batch_tokens ? 0 : training.batch_size);
}

LossSum backward_of_whole_batch(const Experiment& experiment, WholeBatchTask& task,
                                const std::vector<Batch>& parts, double count) {
  const auto examples = examples_of(parts);
  LossSum loss;
  const auto backward = [&](const Tensor& vectors) {
    loss = task.loss_of(vectors, examples);
    (loss.sum / count).backward();
  };
  if (parts.size() == 1) {
    with_vectors(experiment, task, parts.front(), backward);
    return loss;
  }
  std::vector<RandomState> before;
  std::vector<Tensor> vectors;
  for (const auto& part : parts) {
    const torch::NoGradGuard no_grad;
    before.emplace_back(experiment.device);
    with_vectors(experiment, task, part, [&](const Tensor& some) { vectors.push_back(some); });
  }
  const Tensor all = torch::cat(vectors).requires_grad_();
  backward(all);
  std::int64_t row = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    before[i].restore();
    with_vectors(experiment, task, parts[i], [&](const Tensor& some) {
      some.backward(all.grad().narrow(0, row, some.size(0)));
      row += some.size(0);
    });
  }
  return loss;
}

}  // namespace mvn
