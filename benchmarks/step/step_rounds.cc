// Training steps of one trial, as the trainer makes them: step_rounds TRIAL.json
//
// A round is one epoch; its units are real tokens.
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "benchmarks/rounds.h"
#include "common/trial.h"
#include "train/host/plugin_host.h"
#include "train/recipe/optimizer.h"
#include "train/sdk/host_memory.h"
#include "train/trainer/batches.h"
#include "train/trainer/experiment.h"
#include "train/trainer/precision.h"

namespace mvn::benchmark {
namespace {

class Steps {
 public:
  explicit Steps(const TrialFile& trial)
      : host_({MVN_BENCHMARK_PLUGINS}),
        training_(training_options(read_configuration(trial.config).training)) {
    set_numerics(trial.threads, training_.precision);
    Warm warm;
    experiment_ = build_experiment(host_, trial, warm, [](const std::string&) {});
    optimizer_ = std::make_unique<Optimizer>(experiment_.optimizer, experiment_.trainables());
    batches_ = plan_epoch(experiment_.task->lengths(Split::kTrain), training_, /*seed=*/0, 0);
  }

  double round() {
    double tokens = 0;
    for (const auto& examples : batches_) tokens += step(examples);
    return tokens;
  }

 private:
  double step(const ExampleList& examples) {
    experiment_.set_training(true);
    optimizer_->zero_gradients();
    const Batch batch = experiment_.task->collate(Split::kTrain, examples);
    const AutocastScope autocast(experiment_.autocast(), experiment_.device);
    const LossSum loss = experiment_.task->loss(*experiment_.model, batch);
    (loss.sum / loss.count).backward();
    optimizer_->clip_gradients();
    optimizer_->step(1e-4);
    return batch.mask.sum().item<double>();
  }

  PluginHost host_;
  TrainingOptions training_;
  Experiment experiment_;
  std::unique_ptr<Optimizer> optimizer_;
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
  try {
    mvn::benchmark::Steps steps(mvn::read_trial_file(argv[1]));
    mvn::benchmark::serve_rounds([&] { return steps.round(); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step_rounds: %s\n", error.what());
    return 1;
  }
}
