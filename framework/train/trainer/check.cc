#include "train/trainer/check.h"

#include <exception>
#include <functional>
#include <map>
#include <new>
#include <optional>
#include <utility>

#include "mvn/error.h"
#include "train/checkpoint/weights.h"
#include "train/trainer/configuration.h"
#include "train/trainer/model_in_folder.h"
#include "train/trainer/random.h"
#include "train/trainer/run_trial.h"
#include "train/trainer/saved_head.h"
#include "train/trainer/whole_batch_step.h"

namespace mvn {
namespace {

// Runs `part` and adds what it throws to `result`, under `key` where the exception names none.
// Returns whether it threw nothing.
bool collect(CheckResult& result, const std::string& key, const std::function<void()>& part) {
  try {
    part();
    return true;
  } catch (const ConfigError& e) {
    result.errors.push_back({e.key(), e.message()});
  } catch (const std::bad_alloc&) {
    result.errors.push_back({key, "out of memory"});
  } catch (...) {
    result.errors.push_back({key, end_of(std::current_exception()).message});
  }
  return false;
}

void append(CheckResult& result, const CheckResult& part) {
  result.errors.insert(result.errors.end(), part.errors.begin(), part.errors.end());
  result.warnings.insert(result.warnings.end(), part.warnings.begin(), part.warnings.end());
  result.notes.insert(result.notes.end(), part.notes.begin(), part.notes.end());
}

std::string text_of(const Value::Map& map) { return canonical_json(to_json(Value(map))); }

}  // namespace

struct Checker::State {
  // A task whose parameters and files were checked; null where it could not even be made.
  struct CheckedTask {
    CheckResult result;
    std::shared_ptr<Task> task;
  };

  // A model of shapes alone under its adapter; null where there is none, or it is not known yet.
  struct CheckedModel {
    CheckResult result;
    std::shared_ptr<Model> model;
    FoundHead head;
  };

  const PluginHost& host;
  TokenizerCache tokenizers;
  // By everything of the configuration that the check depends on.
  std::map<std::string, CheckedTask> tasks;
  std::map<std::string, CheckResult> models;
  std::map<std::string, CheckResult> heads;
  // The last model alone: a sweep may have thousands.
  CheckedModel last;
  std::string last_key;

  [[nodiscard]] CheckedTask check_task(const Configuration& configuration,
                                       const TrainingOptions& training) const;
  CheckedModel check_model(const Configuration& configuration, const TrainingOptions& training);
  const CheckedModel& model_of(const std::string& key, const Configuration& configuration,
                               const TrainingOptions& training);
  void check_weights_and_adapter(const Configuration& configuration, const ModelPlan& plan,
                                 const Value::Map& config, HeadKind kind,
                                 CheckedModel& checked) const;
  static CheckResult check_head(const Configuration& configuration, const CheckedTask& task,
                                const CheckedModel& model);
};

namespace {

// What `make` makes, unless it was made for this key before.
template <typename Checked, typename Make>
const Checked& once(std::map<std::string, Checked>& known, const std::string& key,
                    const Make& make) {
  auto found = known.find(key);
  if (found == known.end()) found = known.emplace(key, make()).first;
  return found->second;
}

}  // namespace

Checker::State::CheckedTask Checker::State::check_task(const Configuration& configuration,
                                                       const TrainingOptions& training) const {
  CheckedTask checked;
  collect(checked.result, "task", [&] {
    const TaskEntry& entry = host.task(configuration.task_plugin);
    const Params params("task", entry.params, configuration.task);
    checked.task = entry.make();
    checked.task->check(
        {params, nullptr, training.max_length.value_or(0), {}, 1, nullptr, training.trains()});
    checked.result.warnings = checked.task->warnings();
    checked.result.notes = checked.task->summary();
  });
  return checked;
}

Checker::State::CheckedModel Checker::State::check_model(const Configuration& configuration,
                                                         const TrainingOptions& training) {
  CheckedModel checked;
  CheckResult& result = checked.result;
  std::optional<ModelPlan> plan;
  if (!collect(result, "model", [&] { plan = plan_model(host, configuration); })) return checked;
  // Trained by another trial: neither there nor known yet.
  if (plan->weights_pending) return checked;
  Value::Map config;
  CheckResult of_config;
  const bool has_config = collect(of_config, "model", [&] { config = model_config(*plan); });
  std::shared_ptr<const Tokenizer> tokenizer;
  // Weights that are not there have no tokenizer either.
  if (has_config || plan->params.has("tokenizer")) {
    collect(result, "model.tokenizer", [&] { tokenizer = tokenizers.get(*plan->tokenizer); });
  }
  append(result, of_config);
  if (!has_config) return checked;
  // A wrong task is check_task()'s to report.
  HeadKind kind = HeadKind::kNone;
  CheckResult elsewhere;
  collect(elsewhere, "", [&] { kind = host.task(configuration.task_plugin).make()->head_kind(); });
  const bool built = collect(result, "model", [&] {
    checked.model = make_model(*plan, config, tokenizer.get(),
                               torch::dtype(torch::kFloat32).device(torch::kMeta), kind);
  });
  if (!built) return checked;
  collect(result, "model", [&] { check_fit(*checked.model, tokenizer.get(), training); });
  check_weights_and_adapter(configuration, *plan, config, kind, checked);
  return checked;
}

const Checker::State::CheckedModel& Checker::State::model_of(const std::string& key,
                                                             const Configuration& configuration,
                                                             const TrainingOptions& training) {
  if (key != last_key) {
    last = check_model(configuration, training);
    last_key = key;
  }
  return last;
}

void Checker::State::check_weights_and_adapter(const Configuration& configuration,
                                               const ModelPlan& plan, const Value::Map& config,
                                               HeadKind kind, CheckedModel& checked) const {
  CheckResult& result = checked.result;
  std::map<std::string, torch::Tensor> head;
  if (plan.weights) {
    collect(result, "model.weights", [&] {
      const auto weights = open_weights(*plan.weights);
      check_weights(*checked.model, *weights);
      head = head_tensors(*weights);
    });
  }
  collect(result, "adapter", [&] {
    const AdapterEntry& entry = host.adapter(configuration.adapter_plugin);
    const Params params("adapter", entry.params, configuration.adapter);
    const auto warn = [&](const std::string& line) { result.warnings.push_back(line); };
    const auto adapter =
        entry.make({params, stream_generator(configuration.seed, "init/adapter"), kind, warn});
    adapter->attach(*checked.model);
    checked.head = find_head(*adapter, plan.weights.value_or(""), std::move(head), config);
  });
}

// Where the data and the model meet: the task's head, and what would fill it.
CheckResult Checker::State::check_head(const Configuration& configuration, const CheckedTask& task,
                                       const CheckedModel& model) {
  CheckResult result;
  if (!model.model) return result;
  collect(result, "task", [&] {
    const auto head =
        task.task->make_head(*model.model, torch::dtype(torch::kFloat32).device(torch::kMeta),
                             stream_generator(configuration.seed, "init/head"));
    if (!head || wants_new_head(configuration.task)) return;
    fill_head(*head, task.task->config(), model.head);
  });
  return result;
}

Checker::Checker(const PluginHost& host) : state_(new State{host, {}, {}, {}, {}, {}, {}}) {}
Checker::~Checker() = default;

CheckResult Checker::check(const Json& config) {
  CheckResult result;
  Configuration configuration;
  if (!collect(result, "", [&] { configuration = read_configuration(config); })) return result;
  const auto split = [&] { split_adapter_weights(state_->host, configuration); };
  if (!collect(result, "model", split)) return result;
  TrainingOptions training;
  CheckResult of_training;
  const bool training_fine = collect(of_training, "training",
                                     [&] { training = training_options(configuration.training); });
  collect(result, "optimizer",
          [&] { optimizer_options(configuration.optimizer, training.trains()); });
  collect(result, "schedule", [&] { schedule_options(configuration.schedule); });
  append(result, of_training);
  const std::string length = std::to_string(training.max_length.value_or(0)) + " ";
  CheckResult unknown;  // a task that is not there is reported by check_task()
  collect(unknown, "task", [&] {
    configuration.task = task_values(state_->host.task(configuration.task_plugin), configuration);
  });
  const std::string task_key = length + (training.trains() ? "" : "untrained ") +
                               configuration.task_plugin + text_of(configuration.task);
  const auto& task =
      once(state_->tasks, task_key, [&] { return state_->check_task(configuration, training); });
  append(result, task.result);
  if (!training_fine) return result;
  if (task.result.errors.empty()) {
    collect(result, "training", [&] { expect_whole_batches(*task.task, training); });
  }
  const std::string model_key = length + configuration.model_plugin + text_of(configuration.model) +
                                configuration.adapter_plugin + text_of(configuration.adapter) +
                                configuration.task_plugin;
  const auto model = [&]() -> const State::CheckedModel& {
    return state_->model_of(model_key, configuration, training);
  };
  const auto& of_model = once(state_->models, model_key, [&] { return model().result; });
  append(result, of_model);
  if (!task.result.errors.empty() || !of_model.errors.empty()) return result;
  append(result, once(state_->heads, task_key + " on " + model_key,
                      [&] { return State::check_head(configuration, task, model()); }));
  return result;
}

Json to_json(const CheckResult& result) {
  Json errors = Json::array();
  for (const auto& each : result.errors) {
    errors.push_back({{"key", each.key}, {"message", each.message}});
  }
  return {{"errors", std::move(errors)}, {"warnings", result.warnings}, {"notes", result.notes}};
}

}  // namespace mvn
