// Training steps of one trial, as the trainer makes them: step_rounds TRIAL.json
//
// Plugins are those that a worker beside it would find.
//
// A round is one epoch; its units are real tokens. With training.cuda_graphs the steps are
// replayed, from the third round on whatever the shapes.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <vector>

#include "benchmarks/rounds.h"
#include "common/trial.h"
#include "train/host/plugin_host.h"
#include "train/recipe/optimizer.h"
#include "train/sdk/device.h"
#include "train/sdk/graph.h"
#include "train/sdk/host_memory.h"
#include "train/trainer/batches.h"
#include "train/trainer/experiment.h"
#include "train/trainer/graphed_steps.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"

namespace mvn::benchmark {
namespace {

class Steps {
 public:
  explicit Steps(const TrialFile& trial)
      : host_(plugin_folders({})),
        training_(training_options(read_configuration(trial.config).training)) {
    set_numerics(trial.threads, training_.precision);
    Warm warm;
    experiment_ = build_experiment(host_, trial, warm, [](const std::string&) {});
    optimizer_ = std::make_unique<Optimizer>(experiment_.optimizer, experiment_.trainables());
    batches_ = plan_epoch(experiment_.task->lengths(Split::kTrain), training_, /*seed=*/0, 0);
    window_ = std::make_unique<Window>(experiment_.device);
    if (!training_.cuda_graphs) return;
    recorder_ = cuda_graph_recorder(experiment_.device);
    graphed_ = std::make_unique<GraphedSteps>(experiment_, *optimizer_, *window_, *recorder_);
  }

  double round() {
    double tokens = 0;
    for (const auto& examples : batches_) tokens += step(examples);
    if (experiment_.device.is_cuda()) torch::cuda::synchronize();
    return tokens;
  }

 private:
  double step(const ExampleList& examples) {
    experiment_.set_training(true);
    const Batch batch = experiment_.task->collate(Split::kTrain, examples);
    if (graphed_) {
      graphed_->step(batch, experiment_.task->loss_count(Split::kTrain, examples), kRate);
    } else {
      step_plainly(batch);
    }
    return batch.mask.sum().item<double>();
  }

  void step_plainly(const Batch& batch) {
    optimizer_->zero_gradients();
    const PlacedBatch placed(batch, experiment_.device);
    const AutocastScope autocast(experiment_.autocast(), experiment_.device);
    const LossSum loss = experiment_.task->loss(*experiment_.model, placed.batch());
    (loss.sum / loss.count).backward();
    optimizer_->clip_gradients();
    optimizer_->step(kRate);
  }

  static constexpr double kRate = 1e-4;

  PluginHost host_;
  TrainingOptions training_;
  Experiment experiment_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Window> window_;
  std::unique_ptr<GraphRecorder> recorder_;  // where steps are replayed
  std::unique_ptr<GraphedSteps> graphed_;
  std::vector<ExampleList> batches_;
};

}  // namespace
}  // namespace mvn::benchmark

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: step_rounds TRIAL.json\n", stderr);
    return 64;
  }
  mvn::keep_freed_memory();
  // As a worker does.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", /*overwrite=*/0);
  const auto warning = mvn::open_gpu_library();
  if (!warning.empty()) std::fprintf(stderr, "step_rounds: %s\n", warning.c_str());
  try {
    mvn::benchmark::Steps steps(mvn::read_trial_file(argv[1]));
    mvn::benchmark::serve_rounds([&] { return steps.round(); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step_rounds: %s\n", error.what());
    return 1;
  }
}
