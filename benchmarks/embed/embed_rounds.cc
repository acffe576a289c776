// Vectors of a trial's texts, as `mvn-runner embed` makes them: embed_rounds TRIAL.json
//
// Plugins are those that a worker beside it would find. A round reads the texts, makes tokens of
// them and vectors; its units are real tokens.
#include <cstdio>
#include <exception>

#include "benchmarks/rounds.h"
#include "common/trial.h"
#include "mvn/vector_task.h"
#include "train/host/plugin_host.h"
#include "train/sdk/device.h"
#include "train/sdk/host_memory.h"
#include "train/trainer/batches.h"
#include "train/trainer/experiment.h"
#include "train/trainer/placed_batch.h"
#include "train/trainer/precision.h"

namespace mvn::benchmark {
namespace {

class Texts {
 public:
  explicit Texts(const TrialFile& trial) : host_(plugin_folders({})), threads_(trial.threads) {
    const auto training = training_options(read_configuration(trial.config).training);
    set_numerics(trial.threads, training.precision);
    Warm warm;
    experiment_ = build_experiment(host_, trial, warm, [](const std::string&) {});
    experiment_.set_training(false);
    experiment_.freeze();
  }

  double round() {
    Task& task = *experiment_.task;
    const TaskEntry& entry = host_.task(experiment_.configuration.task_plugin);
    const Params params("task", entry.params, experiment_.configuration.task);
    const auto limit = experiment_.training.max_length.value_or(experiment_.model->max_length());
    task.prepare({params, experiment_.tokenizer, limit, {}, threads_, nullptr, /*trains=*/false});
    const torch::NoGradGuard no_grad;
    const AutocastScope autocast(experiment_.autocast(), experiment_.device);
    double tokens = 0;
    for (const auto& examples : plan_evaluation(task.lengths(Split::kTest), experiment_.training)) {
      const Batch batch = task.collate(Split::kTest, examples);
      const PlacedBatch placed(batch, experiment_.device);
      dynamic_cast<VectorTask&>(task).text_vectors(*experiment_.model, placed.batch());
      tokens += batch.mask.sum().item<double>();
    }
    return tokens;
  }

 private:
  PluginHost host_;
  int threads_;
  Experiment experiment_;
};

}  // namespace
}  // namespace mvn::benchmark

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: embed_rounds TRIAL.json\n", stderr);
    return 64;
  }
  mvn::keep_freed_memory();
  const auto warning = mvn::open_gpu_library();
  if (!warning.empty()) std::fprintf(stderr, "embed_rounds: %s\n", warning.c_str());
  try {
    mvn::benchmark::Texts texts(mvn::read_trial_file(argv[1]));
    mvn::benchmark::serve_rounds([&] { return texts.round(); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embed_rounds: %s\n", error.what());
    return 1;
  }
}
