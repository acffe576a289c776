#include "train/trainer/experiment.h"

#include <algorithm>
#include <regex>
#include <set>
#include <utility>

#include "common/hashing.h"
#include "mvn/error.h"
#include "train/checkpoint/weights.h"
#include "train/data/file_hash.h"
#include "train/sdk/device.h"
#include "train/tokenizers/load.h"
#include "train/trainer/random.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// In bf16 precision a frozen base is stored in bf16; a trained one keeps fp32 (and autocast).
torch::TensorOptions base_options(const Experiment& experiment) {
  const bool halved =
      experiment.training.precision == Precision::kBf16 && experiment.adapter->keeps_base();
  return torch::dtype(halved ? torch::kBFloat16 : torch::kFloat32).device(torch::kCPU);
}

double count_parameters(const torch::nn::Module& module) {
  double count = 0;
  for (const auto& parameter : module.parameters()) count += static_cast<double>(parameter.numel());
  return count;
}

void prepare_task(const Params& params, const TrialFile& trial, Experiment& experiment) {
  const std::int64_t limit = experiment.model->max_length();
  // Tokens that another tokenizer made are in another folder.
  const auto cache = trial.folder.parent_path() / ".cache" / "tokens" /
                     TokenizerCache::identity(experiment.tokenizer_path).substr(0, 16);
  experiment.task->prepare(
      {params, experiment.tokenizer, experiment.training.max_length.value_or(limit), cache});
  if (experiment.task->size(Split::kTrain) == 0) {
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

void fill_model(const ModelPlan& plan, Experiment& experiment, torch::nn::Module* head) {
  if (plan.weights) {
    load_weights(*experiment.model, head, *open_weights(*plan.weights));
  } else {
    experiment.model->initialise(stream_generator(experiment.configuration.seed, "init/model"));
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> TokenizerCache::get(const fs::path& path) {
  auto& known = known_[path];
  if (!known) known = load_tokenizer(path, "model.tokenizer");
  return known;
}

std::string TokenizerCache::identity(const fs::path& path) {
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  std::set<std::string> names = {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer.model",
                                 "tokenizer_config.json"};
  if (!fs::is_directory(path)) names.insert(path.filename().string());
  std::string files;
  for (const auto& name : names) {
    if (fs::exists(folder / name)) files += name + " " + remembered_hash(folder / name) + "\n";
  }
  return sha256(files + path.filename().string());
}

void Experiment::set_training(bool training_mode) const {
  model->train(training_mode);
  if (head) head->train(training_mode);
}

bool Experiment::autocast() const {
  return training.precision == Precision::kBf16 && !adapter->keeps_base();
}

std::vector<Trainable> Experiment::trainables() const {
  std::vector<std::regex> exempt;
  for (const auto& pattern : optimizer.no_decay.value_or(std::vector<std::string>{})) {
    exempt.emplace_back(pattern);
  }
  const auto decays = [&](const std::string& name, bool by_model) {
    if (!optimizer.no_decay) return by_model;
    return std::none_of(exempt.begin(), exempt.end(),
                        [&](const std::regex& each) { return std::regex_search(name, each); });
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
  return plan.entry->make({plan.params, complete, options, head});
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

Experiment build_experiment(const PluginHost& host, const TrialFile& trial,
                            TokenizerCache& tokenizers,
                            const std::function<void(const std::string&)>& warn) {
  Experiment experiment;
  experiment.configuration = read_configuration(trial.config);
  const Configuration& configuration = experiment.configuration;
  experiment.optimizer = optimizer_options(configuration.optimizer);
  experiment.schedule = schedule_options(configuration.schedule);
  experiment.training = training_options(configuration.training);
  experiment.device = device_named(trial.device);

  const ModelPlan plan = plan_model(host, configuration);
  if (plan.weights_pending) {
    throw ConfigError("model.weights", "names a trial; a worker needs its folder");
  }
  experiment.tokenizer_path = *plan.tokenizer;
  experiment.tokenizer = tokenizers.get(*plan.tokenizer);
  if (plan.weights) experiment.base = plan.weights->string();

  const TaskEntry& task = host.task(configuration.task_plugin);
  const Params task_params("task", task.params, configuration.task);
  experiment.task = task.make();
  make_adapter(host, warn, experiment);

  experiment.model = make_model(plan, model_config(plan), experiment.tokenizer.get(),
                                base_options(experiment), experiment.task->head_kind());
  check_fit(*experiment.model, experiment.tokenizer.get(), experiment.training);
  experiment.base_parameters = count_parameters(*experiment.model);
  experiment.training.batch_tokens = batch_tokens(experiment.training, experiment.base_parameters);
  prepare_task(task_params, trial, experiment);
  experiment.head = experiment.task->make_head(*experiment.model, torch::dtype(torch::kFloat32),
                                               stream_generator(configuration.seed, "init/head"));
  fill_model(plan, experiment, experiment.head.get());
  experiment.adapter->attach(*experiment.model);
  if (experiment.head) experiment.adapter->start_head(*experiment.head);
  experiment.model->to(experiment.device);
  if (experiment.head) experiment.head->to(experiment.device);
  return experiment;
}

}  // namespace mvn
