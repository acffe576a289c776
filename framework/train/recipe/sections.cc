#include "train/recipe/sections.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "mvn/error.h"
#include "mvn/pattern.h"

namespace mvn {
namespace {

std::vector<ParamSpec> optimizer_specs() {
  return {
      {.name = "name",
       .default_value = "adamw",
       .help = "update rule; adamw decays weights apart from the gradient, adam and sgd through it",
       .choices = optimizer_names()},
      {.name = "lr",
       .type = ParamType::kReal,
       .help = "peak learning rate; absent: the one that lr_by_size gives, times lr_scale",
       .min = 0},
      {.name = "lr_by_size",
       .type = ParamType::kObject,
       .help = "peak learning rate by the model's parameters ({125e6: 6e-4}); the nearest size in "
               "log space counts"},
      {.name = "lr_scale",
       .type = ParamType::kReal,
       .default_value = 1.0,
       .help = "factor on the value from lr_by_size",
       .above = 0},
      {.name = "beta1",
       .type = ParamType::kReal,
       .default_value = 0.9,
       .help = "decay of the first moment (adam, adamw)",
       .min = 0,
       .max = 1},
      {.name = "beta2",
       .type = ParamType::kReal,
       .default_value = 0.999,
       .help = "decay of the second moment (adam, adamw)",
       .min = 0,
       .max = 1},
      {.name = "eps",
       .type = ParamType::kReal,
       .default_value = 1e-8,
       .help = "added to the root of the second moment (adam, adamw)",
       .min = 0},
      {.name = "weight_decay",
       .type = ParamType::kReal,
       .default_value = 0.01,
       .help = "strength of weight decay, on the parameters that the model lets decay",
       .min = 0},
      {.name = "no_decay",
       .type = ParamType::kTextList,
       .help = "regular expressions: parameters whose name one of them matches do not decay, all "
               "others do; default: the model's own rule"},
      {.name = "bias_correction",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "correct the moments for their start at zero (adam, adamw)"},
      {.name = "max_grad_norm",
       .type = ParamType::kReal,
       .help = "clip gradients to this global norm; absent: no clipping",
       .above = 0},
      {.name = "momentum",
       .type = ParamType::kReal,
       .default_value = 0.0,
       .help = "momentum (sgd)",
       .min = 0,
       .max = 1},
  };
}

std::vector<ParamSpec> schedule_specs() {
  std::vector<ParamSpec> specs = {
      {.name = "name",
       .default_value = "constant",
       .help = "course of the learning rate after the warm-up",
       .choices = {"constant", "linear", "cosine"}},
      {.name = "warmup_steps",
       .type = ParamType::kInt,
       .help = "steps in which the learning rate rises linearly to its peak",
       .unit = "steps",
       .min = 0},
      {.name = "warmup_ratio",
       .type = ParamType::kReal,
       .help = "the same as a share of all steps",
       .min = 0,
       .max = 1,
       .excludes = {"warmup_steps"}},
      {.name = "warmup_tokens",
       .type = ParamType::kReal,
       .help = "the same as a number of tokens, of mean batches",
       .unit = "tokens",
       .min = 0,
       .excludes = {"warmup_steps", "warmup_ratio"}},
      {.name = "min_lr",
       .type = ParamType::kReal,
       .help = "learning rate at the end of the decay",
       .min = 0},
      {.name = "min_lr_ratio",
       .type = ParamType::kReal,
       .help = "the same as a share of the peak",
       .min = 0,
       .max = 1,
       .excludes = {"min_lr"}},
      {.name = "decay_steps",
       .type = ParamType::kInt,
       .help = "step at which the decay ends; default: the last",
       .unit = "steps",
       .min = 1},
      {.name = "decay_from",
       .default_value = "warmup",
       .help = "where the decay begins: after the warm-up, or at the start, the warm-up being a "
               "factor upon it",
       .choices = {"warmup", "start"}},
  };
  for (auto& spec : specs) spec.role = ParamRole::kCourse;
  return specs;
}

std::vector<ParamSpec> training_specs() {
  return {
      {.name = "epochs",
       .type = ParamType::kReal,
       .help = "passes over the training data; where steps is given too, what ends first counts",
       .above = 0,
       .role = ParamRole::kPasses},
      {.name = "steps",
       .type = ParamType::kInt,
       .help =
           "optimizer steps; 0 evaluates the model as it is, without a learning rate or training "
           "data",
       .unit = "steps",
       .min = 0,
       .replaces = {"epochs"},
       .role = ParamRole::kSteps},
      {.name = "batch_size",
       .type = ParamType::kInt,
       .default_value = 32,
       .help = "examples of one optimizer step",
       .unit = "examples",
       .min = 1,
       .role = ParamRole::kBatch},
      {.name = "batch_tokens",
       .type = ParamType::kInt,
       .help = "instead of batch_size: as many examples as fit into so many tokens, padding "
               "included",
       .unit = "tokens",
       .min = 1},
      {.name = "batch_tokens_by_size",
       .type = ParamType::kObject,
       .help = "batch_tokens by the model's parameters ({125e6: 500000}), the nearest size in log "
               "space; batch_size and batch_tokens count more"},
      {.name = "micro_batch_size",
       .type = ParamType::kInt,
       .help = "examples of one forward pass; gradients add up over a batch; default: batch_size",
       .unit = "examples",
       .min = 1,
       .role = ParamRole::kMicroBatch},
      {.name = "max_length",
       .type = ParamType::kInt,
       .help = "longest input; default: the model's limit",
       .unit = "tokens",
       .min = 1},
      {.name = "eval_every",
       .type = ParamType::kInt,
       .help = "steps between evaluations; default: each epoch. The last step is always evaluated",
       .unit = "steps",
       .min = 1},
      {.name = "log_every",
       .type = ParamType::kInt,
       .default_value = 10,
       .help = "steps between records of the training metrics",
       .unit = "steps",
       .min = 1},
      {.name = "checkpoint_every",
       .type = ParamType::kInt,
       .help = "steps between checkpoints; default: each epoch",
       .unit = "steps",
       .min = 1},
      {.name = "precision",
       .default_value = "fp32",
       .help = "tf32: fp32 with TF32 matrix products on a GPU; bf16: frozen weights and matrix "
               "products in bf16, trained weights and the optimizer in fp32",
       .choices = {"fp32", "tf32", "bf16"}},
      {.name = "activation_checkpointing",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "keep only the input of each layer and compute the rest again for its gradients: "
               "less memory, a third more work, the same numbers"},
      {.name = "cuda_graphs",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "record a whole step of each shape of batch as a CUDA graph and replay it; batches "
               "are padded to a few shapes. Has not been run on a GPU yet"},
      {.name = "save_model",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "keep the trained model or adapter"},
      {.name = "keep_checkpoints",
       .type = ParamType::kInt,
       .default_value = 2,
       .help = "newest checkpoints to keep while training; a damaged one is skipped for the one "
               "before",
       .unit = "checkpoints",
       .min = 1},
      {.name = "keep_every",
       .type = ParamType::kInt,
       .help = "make and keep a checkpoint each so many steps, after the end too",
       .unit = "steps",
       .min = 1},
      {.name = "keep_best",
       .help = "metric (eval/loss) by which the best model of all evaluations is kept, in best/"},
      {.name = "best_goal",
       .default_value = "auto",
       .help =
           "which value of keep_best's metric is best; auto: the smallest of a loss, perplexity "
           "or bits_per_byte, the largest of any other",
       .choices = {"auto", "minimize", "maximize"}},
  };
}

std::optional<double> optional_real(const Params& params, std::string_view name) {
  if (!params.has(name)) return std::nullopt;
  return params.get_real(name);
}

std::optional<std::int64_t> optional_int(const Params& params, std::string_view name) {
  if (!params.has(name)) return std::nullopt;
  return params.get_int(name);
}

double number_in(const std::string& text, const std::string& key) {
  std::size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(number > 0) || std::isinf(number)) {
    throw ConfigError(key, "expected a number greater than 0, got '" + text + "'");
  }
  return number;
}

// A table from numbers of parameters to numbers.
std::map<double, double> read_by_size(const Params& params, const std::string& name) {
  std::map<double, double> table;
  if (!params.has(name)) return table;
  const std::string key = params.key(name);
  for (const auto& [size, rate] : params.get(name).as_map()) {
    const std::string entry = key + "." + size;
    // YAML reads 6e-4 as a text.
    const double value = rate.is_text()   ? number_in(rate.as_text(), entry)
                         : rate.is_real() ? rate.as_real()
                                          : throw ConfigError(entry, "expected a number");
    if (!(value > 0)) throw ConfigError(entry, "expected a number greater than 0");
    table[number_in(size, entry)] = value;
  }
  if (table.empty()) throw ConfigError(key, "has no entry");
  return table;
}

// The entry of the size that is nearest in log space.
double nearest_size(const std::map<double, double>& table, double parameters) {
  double nearest = std::numeric_limits<double>::infinity();
  double found = 0;
  for (const auto& [size, value] : table) {
    const double distance = std::abs(std::log(size) - std::log(parameters));
    if (distance < nearest) {
      nearest = distance;
      found = value;
    }
  }
  return found;
}

bool is_smallest_best(const Params& params) {
  const std::string goal = params.get_text("best_goal");
  if (goal != "auto") return goal == "minimize";
  const std::string metric = params.has("keep_best") ? params.get_text("keep_best") : "";
  return metric.ends_with("loss") || metric.ends_with("perplexity") ||
         metric.ends_with("bits_per_byte");
}

void check_regexes(const std::vector<std::string>& patterns, const std::string& key) {
  for (const auto& pattern : patterns) {
    try {
      static_cast<void>(Pattern(pattern));
    } catch (const Error& e) {
      throw ConfigError(key, e.what());
    }
  }
}

// Examples that a batch may have at most.
std::int64_t largest_batch(const TrainingOptions& options) {
  if (options.batch_tokens) return *options.batch_tokens;
  double largest = 0;
  for (const auto& [size, tokens] : options.batch_tokens_by_size) {
    largest = std::max(largest, tokens);
  }
  return largest > 0 ? std::llround(largest) : options.batch_size;
}

// What a graph of a whole step cannot hold.
void check_cuda_graphs(const Params& params, const TrainingOptions& options) {
  const auto key = params.key("cuda_graphs");
  if (options.activation_checkpointing) {
    throw ConfigError(key, "given together with activation_checkpointing; give one of them");
  }
  if (options.micro_batch_size < largest_batch(options)) {
    throw ConfigError(key,
                      "wants each batch in one piece, but micro_batch_size cuts it up; leave "
                      "that out");
  }
}

}  // namespace

const std::map<std::string, std::vector<ParamSpec>>& trainer_sections() {
  static const std::map<std::string, std::vector<ParamSpec>> sections = {
      {"optimizer", optimizer_specs()},
      {"schedule", schedule_specs()},
      {"training", training_specs()}};
  return sections;
}

OptimizerOptions optimizer_options(const Value::Map& section, bool trains) {
  const Params params("optimizer", trainer_sections().at("optimizer"), section);
  OptimizerOptions options;
  options.name = params.get_text("name");
  options.lr = optional_real(params, "lr");
  options.lr_by_size = read_by_size(params, "lr_by_size");
  options.lr_scale = params.get_real("lr_scale");
  options.beta1 = params.get_real("beta1");
  options.beta2 = params.get_real("beta2");
  options.eps = params.get_real("eps");
  options.weight_decay = params.get_real("weight_decay");
  options.momentum = params.get_real("momentum");
  options.bias_correction = params.get_bool("bias_correction");
  options.max_grad_norm = optional_real(params, "max_grad_norm");
  if (params.has("no_decay")) {
    options.no_decay = params.get_text_list("no_decay");
    check_regexes(*options.no_decay, params.key("no_decay"));
  }
  if (trains && !options.lr && options.lr_by_size.empty()) {
    throw ConfigError(params.key("lr"),
                      "is required: give a peak learning rate, or a recipe that has lr_by_size");
  }
  return options;
}

ScheduleOptions schedule_options(const Value::Map& section) {
  const Params params("schedule", trainer_sections().at("schedule"), section);
  ScheduleOptions options;
  options.name = params.get_text("name");
  options.warmup_steps = optional_int(params, "warmup_steps");
  options.warmup_ratio = optional_real(params, "warmup_ratio");
  options.min_lr = optional_real(params, "min_lr");
  options.min_lr_ratio = optional_real(params, "min_lr_ratio");
  if (params.has("warmup_tokens")) options.warmup_tokens = params.get_real("warmup_tokens");
  options.decay_steps = optional_int(params, "decay_steps");
  options.decay_from_start = params.get_text("decay_from") == "start";
  return options;
}

TrainingOptions training_options(const Value::Map& section) {
  const Params params("training", trainer_sections().at("training"), section);
  TrainingOptions options;
  options.epochs = optional_real(params, "epochs");
  options.steps = optional_int(params, "steps");
  options.batch_size = params.get_int("batch_size");
  options.batch_tokens = optional_int(params, "batch_tokens");
  options.max_length = optional_int(params, "max_length");
  options.eval_every = optional_int(params, "eval_every");
  options.log_every = params.get_int("log_every");
  options.checkpoint_every = optional_int(params, "checkpoint_every");
  const std::string precision = params.get_text("precision");
  options.precision = precision == "bf16"   ? Precision::kBf16
                      : precision == "tf32" ? Precision::kTf32
                                            : Precision::kFp32;
  options.save_model = params.get_bool("save_model");
  options.activation_checkpointing = params.get_bool("activation_checkpointing");
  options.cuda_graphs = params.get_bool("cuda_graphs");
  options.keep_checkpoints = params.get_int("keep_checkpoints");
  options.keep_every = optional_int(params, "keep_every");
  if (params.has("keep_best")) options.keep_best = params.get_text("keep_best");
  options.best_is_smallest = is_smallest_best(params);
  options.batch_tokens_by_size = read_by_size(params, "batch_tokens_by_size");
  const auto given = section.find("batch_size");
  const bool sized = given != section.end() && !given->second.is_null();
  if (sized || options.batch_tokens) options.batch_tokens_by_size.clear();
  options.micro_batch_size =
      optional_int(params, "micro_batch_size").value_or(largest_batch(options));
  if (!options.epochs && !options.steps) {
    throw ConfigError(params.key("epochs"), "is required: give epochs or steps");
  }
  if (options.cuda_graphs) check_cuda_graphs(params, options);
  return options;
}

double peak_learning_rate(const OptimizerOptions& options, double parameters) {
  if (options.lr) return *options.lr;
  return nearest_size(options.lr_by_size, parameters) * options.lr_scale;
}

std::optional<std::int64_t> batch_tokens(const TrainingOptions& options, double parameters) {
  if (options.batch_tokens_by_size.empty()) return options.batch_tokens;
  return std::llround(nearest_size(options.batch_tokens_by_size, parameters));
}

}  // namespace mvn
