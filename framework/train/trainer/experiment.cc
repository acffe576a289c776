#include "train/trainer/experiment.h"

#include <algorithm>
#include <utility>

#include "common/json.h"
#include "mvn/error.h"
#include "mvn/pattern.h"
#include "train/checkpoint/weights.h"
#include "train/sdk/device.h"
#include "train/trainer/accounting.h"
#include "train/trainer/fresh_memory.h"
#include "train/trainer/model_in_folder.h"
#include "train/trainer/model_size.h"
#include "train/trainer/random.h"
#include "train/trainer/saved_head.h"
#include "train/trainer/whole_batch_step.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// Asked before the weights are read.
void expect_gpu(torch::Device device) {
  if (device.is_cuda()) return;
  throw ConfigError("training.cuda_graphs", "needs an NVIDIA GPU, but the trial runs on '" +
                                                device.str() + "' (resources.device)");
}

// In bf16 precision a base that is frozen, or only looked at, is stored in bf16; one that is
// trained or saved keeps fp32 (and autocast).
bool is_halved(const Experiment& experiment) {
  const auto& training = experiment.training;
  return training.precision == Precision::kBf16 &&
         (experiment.adapter->keeps_base() || (!training.trains() && !training.save_model));
}

torch::TensorOptions base_options(const Experiment& experiment) {
  return torch::dtype(is_halved(experiment) ? torch::kBFloat16 : torch::kFloat32)
      .device(torch::kCPU);
}

double count_parameters(const torch::nn::Module& module) {
  double count = 0;
  for (const auto& parameter : module.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

// The files that `values` name as paths, as they are now.
std::string state_of_paths(const std::vector<ParamSpec>& specs, const Params& values) {
  std::vector<fs::path> files;
  for (const auto& spec : specs) {
    const bool path = spec.type == ParamType::kPath || spec.type == ParamType::kPathList;
    if (!path || !values.has(spec.name)) continue;
    const auto named = values.get_path_list(spec.name);
    files.insert(files.end(), named.begin(), named.end());
  }
  return state_of_files(files);
}

void prepare_task(const TaskEntry& task, const TrialFile& trial, Experiment& experiment,
                  WarmData& warm) {
  const Params params("task", task.params, task_values(task, experiment.configuration));
  const auto limit = experiment.training.max_length.value_or(experiment.model->max_length());
  const auto tokenizer = TokenizerCache::identity(experiment.tokenizer_path);
  // Tokens that another tokenizer made are in another folder.
  fs::path cache;
  if (!trial.folder.empty()) {
    cache = trial.folder.parent_path() / ".cache" / "tokens" / tokenizer.substr(0, 16);
  }
  const Json identity = {task.name, to_json(Value(params.values())), tokenizer, limit,
                         state_of_paths(task.params, params)};
  experiment.task->prepare({params, experiment.tokenizer, limit, cache, trial.threads,
                            warm.place(identity.dump()), experiment.training.trains()});
  warm.keep(identity.dump(), experiment.task->data_files());
  expect_whole_batches(*experiment.task, experiment.training);
  if (experiment.training.trains() && experiment.task->size(Split::kTrain) == 0) {
    throw ConfigError("task.train", "has no examples");
  }
}

// The adapter, which decides in which type the base is stored.
void make_adapter(const PluginHost& host, const std::function<void(const std::string&)>& warn,
                  Experiment& experiment) {
  const AdapterEntry& entry = host.adapter(experiment.configuration.adapter_plugin);
  const Params params("adapter", entry.params, experiment.configuration.adapter);
  experiment.adapter =
      entry.make({params, stream_generator(experiment.configuration.seed, "init/adapter"),
                  experiment.task->head_kind(), warn});
}

// Everything that the values of a base's parameters depend on.
std::string base_identity(const ModelPlan& plan, const Value::Map& config,
                          const Experiment& experiment) {
  Json identity = {plan.entry->name,
                   to_json(Value(plan.params.values())),
                   to_json(Value(config)),
                   experiment.model->vocabulary(),
                   static_cast<int>(experiment.task->head_kind()),
                   static_cast<int>(experiment.training.precision),
                   experiment.device.str()};
  identity.push_back(plan.weights ? Json(state_of_weights(*plan.weights))
                                  : Json(experiment.configuration.seed));
  return identity.dump();
}

// Puts the base on the device: the tensors that a warm worker has, its weights, or random ones.
// Returns the head of the weights, which may be none.
std::map<std::string, torch::Tensor> fill_model(const ModelPlan& plan, const Value::Map& config,
                                                Experiment& experiment, WarmBase& warm) {
  const auto identity = base_identity(plan, config, experiment);
  const bool keeps = experiment.adapter->keeps_base();
  const bool was_empty = warm.empty();
  if (!keeps) warm.clear();
  if (warm.fill(identity, *experiment.model)) return warm.head();
  // What has just been dropped is not this trial's.
  if (!was_empty) reset_peak_memory(experiment.device);
  std::map<std::string, torch::Tensor> head;
  if (plan.weights) {
    const auto weights = open_weights(*plan.weights);
    load_weights(*experiment.model, nullptr, *weights);
    head = head_tensors(*weights);
  } else {
    experiment.model->initialise(stream_generator(experiment.configuration.seed, "init/model"));
  }
  experiment.model->to(experiment.device);
  if (keeps) warm.keep(identity, *experiment.model, head);
  return head;
}

int step_passes(const Experiment& experiment) {
  if (experiment.adapter->keeps_base()) return 2;
  const auto parameters = experiment.model->parameters();
  return std::ranges::any_of(parameters, [](const auto& each) { return each.requires_grad(); }) ? 3
                                                                                                : 1;
}

// From the adapter's files or the weights', unless the task wants a new one.
void start_head(const ModelPlan& plan, const Value::Map& config,
                std::map<std::string, torch::Tensor> weights_head, Experiment& experiment) {
  if (!experiment.head || wants_new_head(experiment.configuration.task)) return;
  fill_head(*experiment.head, experiment.task->config(),
            find_head(*experiment.adapter, plan.weights.value_or(fs::path()),
                      std::move(weights_head), config));
}

}  // namespace

void Experiment::set_training(bool training_mode) const {
  model->train(training_mode);
  if (head) head->train(training_mode);
}

void Experiment::freeze() const {
  for (const auto& parameter : model->parameters()) parameter.set_requires_grad(false);
}

bool Experiment::autocast() const {
  return training.precision == Precision::kBf16 && !is_halved(*this);
}

std::vector<Trainable> Experiment::trainables() const {
  std::vector<Pattern> exempt;
  for (const auto& pattern : optimizer.no_decay.value_or(std::vector<std::string>{})) {
    exempt.emplace_back(pattern);
  }
  const auto decays = [&](const std::string& name, bool by_model) {
    if (!optimizer.no_decay) return by_model;
    return std::none_of(exempt.begin(), exempt.end(),
                        [&](const Pattern& each) { return each.found_in(name); });
  };
  std::vector<Trainable> list;
  for (const auto& item : model->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    list.push_back(
        {item.key(), item.value(), decays(item.key(), model->decays(item.key(), item.value()))});
  }
  if (!head) return list;
  for (const auto& item : head->named_parameters()) {
    list.push_back(
        {"head." + item.key(), item.value(), decays(item.key(), item.value().dim() > 1)});
  }
  return list;
}

std::shared_ptr<Model> make_model(const ModelPlan& plan, const Value::Map& config,
                                  const Tokenizer* tokenizer, const torch::TensorOptions& options,
                                  HeadKind head) {
  Value::Map complete = config;
  if (!plan.weights && tokenizer != nullptr) {
    complete.try_emplace("vocab_size", tokenizer->vocabulary());
  }
  check_layer_count(complete);
  const auto build = [&](const torch::TensorOptions& how) {
    return plan.entry->make({plan.params, complete, how, head});
  };
  auto shapes = build_shapes([&] { return build(options.device(torch::kMeta)); });
  if (options.device().is_meta()) return shapes;
  expect_room(*shapes, machine_memory());
  return build(options);
}

void check_fit(const Model& model, const Tokenizer* tokenizer, const TrainingOptions& training) {
  if (tokenizer != nullptr && tokenizer->vocabulary() > model.vocabulary()) {
    throw ConfigError("model.tokenizer", "has ids up to " +
                                             std::to_string(tokenizer->vocabulary() - 1) +
                                             ", but the model's embedding has only " +
                                             std::to_string(model.vocabulary()) + " rows");
  }
  if (training.max_length && model.max_length() > 0 && *training.max_length > model.max_length()) {
    throw ConfigError("training.max_length", "is " + std::to_string(*training.max_length) +
                                                 ", but the model takes at most " +
                                                 std::to_string(model.max_length()) + " tokens");
  }
}

Experiment build_experiment(const PluginHost& host, const TrialFile& trial, Warm& warm,
                            const std::function<void(const std::string&)>& warn) {
  Experiment experiment;
  experiment.configuration = read_configuration(trial.config);
  split_adapter_weights(host, experiment.configuration);
  const Configuration& configuration = experiment.configuration;
  experiment.training = training_options(configuration.training);
  experiment.optimizer = optimizer_options(configuration.optimizer, experiment.training.trains());
  experiment.schedule = schedule_options(configuration.schedule);
  experiment.device = device_named(trial.device);
  if (experiment.training.cuda_graphs) expect_gpu(experiment.device);

  const ModelPlan plan = plan_model(host, configuration);
  if (plan.weights_pending || !plan.tokenizer) {
    throw ConfigError("model.weights", "names a trial; a worker needs its folder");
  }
  experiment.tokenizer_path = *plan.tokenizer;
  experiment.tokenizer = warm.tokenizers.get(*plan.tokenizer);
  if (plan.weights) experiment.base = plan.weights->string();

  const TaskEntry& task = host.task(configuration.task_plugin);
  experiment.task = task.make();
  make_adapter(host, warn, experiment);

  const Value::Map config = model_config(plan);
  {
    // A warm worker replaces these tensors before anything is written to them.
    const FreshMemory fresh;
    experiment.model = make_model(plan, config, experiment.tokenizer.get(),
                                  base_options(experiment), experiment.task->head_kind());
  }
  check_fit(*experiment.model, experiment.tokenizer.get(), experiment.training);
  experiment.base_parameters = count_parameters(*experiment.model);
  experiment.training.batch_tokens = batch_tokens(experiment.training, experiment.base_parameters);
  prepare_task(task, trial, experiment, warm.data);
  experiment.head = experiment.task->make_head(*experiment.model, torch::dtype(torch::kFloat32),
                                               stream_generator(configuration.seed, "init/head"));
  auto weights_head = fill_model(plan, config, experiment, warm.base);
  experiment.adapter->attach(*experiment.model);
  warm.base.share_frozen(*experiment.model);
  start_head(plan, config, std::move(weights_head), experiment);
  experiment.model->to(experiment.device);
  if (experiment.head) experiment.head->to(experiment.device);
  experiment.passes = step_passes(experiment);
  return experiment;
}

}  // namespace mvn
