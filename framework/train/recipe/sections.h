// The sections of a configuration that the trainer itself owns: optimizer, schedule, training. A
// recipe (experiments/recipes) is a file of these.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

// "optimizer", "schedule", "training" -> their parameters, as `mvn-worker describe` prints them.
const std::map<std::string, std::vector<ParamSpec>>& trainer_sections();

struct OptimizerOptions {
  std::string name;  // "adamw", "adam" or "sgd"
  std::optional<double> lr;
  std::map<double, double> lr_by_size;  // parameters of the model -> peak learning rate
  double lr_scale = 1;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool bias_correction = true;
  std::optional<double> max_grad_norm;               // absent: gradients are not clipped
  std::optional<std::vector<std::string>> no_decay;  // absent: the model's own rule
};

struct ScheduleOptions {
  std::string name;  // "constant", "linear" or "cosine"
  std::optional<std::int64_t> warmup_steps;
  std::optional<double> warmup_ratio;
  std::optional<double> warmup_tokens;
  std::optional<double> min_lr;
  std::optional<double> min_lr_ratio;
  std::optional<std::int64_t> decay_steps;
  bool decay_from_start = false;
};

enum class Precision { kFp32, kTf32, kBf16 };

struct TrainingOptions {
  std::optional<double> epochs;
  std::optional<std::int64_t> steps;
  std::int64_t batch_size = 32;  // examples
  std::optional<std::int64_t> batch_tokens;
  std::map<double, double> batch_tokens_by_size;  // parameters of the model -> batch_tokens
  std::int64_t micro_batch_size = 32;
  std::optional<std::int64_t> max_length;
  std::optional<std::int64_t> eval_every;  // absent: at the end of each epoch
  std::int64_t log_every = 10;
  std::optional<std::int64_t> checkpoint_every;  // absent: at the end of each epoch
  Precision precision = Precision::kFp32;
  bool save_model = true;
  bool activation_checkpointing = false;
  bool cuda_graphs = false;
  std::int64_t keep_checkpoints = 2;
  std::optional<std::int64_t> keep_every;  // steps
  std::string keep_best;                   // name of a metric, "" for none
  bool best_is_smallest = false;

  // False where the model is only evaluated.
  [[nodiscard]] bool trains() const { return steps != 0; }
};

// Each throws ConfigError with the key of the value at fault. Without training no learning rate is
// needed.
// The update rules that there are.
std::vector<std::string> optimizer_names();
OptimizerOptions optimizer_options(const Value::Map& section, bool trains = true);
ScheduleOptions schedule_options(const Value::Map& section);
TrainingOptions training_options(const Value::Map& section);

// The peak learning rate of a model of so many parameters: `lr` where it is given, else the one
// that lr_by_size gives for the nearest size (in log space) times lr_scale.
double peak_learning_rate(const OptimizerOptions& options, double parameters);

// batch_tokens of a model of so many parameters: what batch_tokens_by_size gives for the nearest
// size, where there is such a table; else what it was.
std::optional<std::int64_t> batch_tokens(const TrainingOptions& options, double parameters);

}  // namespace mvn
