// Everything that a trial trains: built once from its configuration, then run.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/trial.h"
#include "mvn/adapter.h"
#include "mvn/model.h"
#include "mvn/task.h"
#include "mvn/tokenizer.h"
#include "mvn/torch.h"
#include "train/host/plugin_host.h"
#include "train/recipe/optimizer.h"
#include "train/trainer/configuration.h"
#include "train/trainer/warm.h"

namespace mvn {

// The parts of one trial on their device.
struct Experiment {
  Configuration configuration;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  TrainingOptions training;
  torch::Device device = torch::kCPU;

  std::shared_ptr<const Tokenizer> tokenizer;
  std::filesystem::path tokenizer_path;
  std::string base;  // where the base weights came from, "" for random ones
  std::shared_ptr<Model> model;
  std::unique_ptr<Adapter> adapter;
  std::unique_ptr<Task> task;
  std::shared_ptr<torch::nn::Module> head;  // null where the task has none
  double base_parameters = 0;               // of the model without adapter and head
  int passes =
      3;  // of a step through the model: forward, for the gradients below, for the weights'
  double peak_flops = 0;  // of the device, per second; 0 where it is not known

  // Nothing is trained any more: products with the weights may be laid out once for the processor.
  void freeze() const;
  void set_training(bool training_mode) const;
  // True where fp32 weights compute in bf16: in bf16 precision when the base is trained or saved.
  [[nodiscard]] bool autocast() const;
  // What requires a gradient, under the names that checkpoints use: the model's own, and "head."
  // before the head's.
  [[nodiscard]] std::vector<Trainable> trainables() const;
};

// Builds them: reads the data, the weights, draws what is random, or takes what `warm` has and
// leaves there what the next trial may need. `warn` takes one line for the user. Throws ConfigError
// and DataError.
Experiment build_experiment(const PluginHost& host, const TrialFile& trial, Warm& warm,
                            const std::function<void(const std::string&)>& warn);

// Builds the model without its weights' values; of `configuration` the entry "vocab_size", where
// it is absent, is the tokenizer's. `options` may name the device `meta`. `head` is what the task
// puts on top.
std::shared_ptr<Model> make_model(const ModelPlan& plan, const Value::Map& config,
                                  const Tokenizer* tokenizer, const torch::TensorOptions& options,
                                  HeadKind head);

// Throws ConfigError where the tokenizer's ids or training.max_length do not fit the model.
void check_fit(const Model& model, const Tokenizer* tokenizer, const TrainingOptions& training);

}  // namespace mvn
