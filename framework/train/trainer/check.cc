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
#include "train/trainer/random.h"
#include "train/trainer/run_trial.h"

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
}

std::string text_of(const Value::Map& map) { return canonical_json(to_json(Value(map))); }

}  // namespace

struct Checker::State {
  const PluginHost& host;
  TokenizerCache tokenizers;
  std::map<std::string, CheckResult> known;  // by the part's name and its configuration

  // `part` of the configuration `key`, checked unless it was before.
  void once(CheckResult& result, const std::string& key, const std::function<CheckResult()>& part);
  CheckResult check_task(const Configuration& configuration, std::int64_t max_length) const;
  CheckResult check_model(const Configuration& configuration);
  void check_weights_and_adapter(const Configuration& configuration, const ModelPlan& plan,
                                 const std::shared_ptr<Model>& model, HeadKind head,
                                 CheckResult& result) const;
};

void Checker::State::once(CheckResult& result, const std::string& key,
                          const std::function<CheckResult()>& part) {
  auto found = known.find(key);
  if (found == known.end()) found = known.emplace(key, part()).first;
  append(result, found->second);
}

CheckResult Checker::State::check_task(const Configuration& configuration,
                                       std::int64_t max_length) const {
  CheckResult result;
  collect(result, "task", [&] {
    const TaskEntry& entry = host.task(configuration.task_plugin);
    const Params params("task", entry.params, configuration.task);
    entry.make()->check({params, nullptr, max_length, {}});
  });
  return result;
}

CheckResult Checker::State::check_model(const Configuration& configuration) {
  CheckResult result;
  std::optional<ModelPlan> plan;
  if (!collect(result, "model", [&] { plan = plan_model(host, configuration); })) return result;
  // Trained by another trial: neither there nor known yet.
  if (plan->weights_pending) return result;
  std::shared_ptr<const Tokenizer> tokenizer;
  collect(result, "model.tokenizer", [&] { tokenizer = tokenizers.get(*plan->tokenizer); });
  // A wrong task is check_task()'s to report.
  HeadKind head = HeadKind::kNone;
  CheckResult elsewhere;
  collect(elsewhere, "", [&] { head = host.task(configuration.task_plugin).make()->head_kind(); });
  std::shared_ptr<Model> model;
  const bool built = collect(result, "model", [&] {
    model = make_model(*plan, model_config(*plan), tokenizer.get(),
                       torch::dtype(torch::kFloat32).device(torch::kMeta), head);
  });
  if (!built) return result;
  collect(result, "model",
          [&] { check_fit(*model, tokenizer.get(), training_options(configuration.training)); });
  check_weights_and_adapter(configuration, *plan, model, head, result);
  return result;
}

void Checker::State::check_weights_and_adapter(const Configuration& configuration,
                                               const ModelPlan& plan,
                                               const std::shared_ptr<Model>& model, HeadKind head,
                                               CheckResult& result) const {
  if (plan.weights) {
    collect(result, "model.weights", [&] { check_weights(*model, *open_weights(*plan.weights)); });
  }
  collect(result, "adapter", [&] {
    const AdapterEntry& entry = host.adapter(configuration.adapter_plugin);
    const Params params("adapter", entry.params, configuration.adapter);
    const auto warn = [&](const std::string& line) { result.warnings.push_back(line); };
    entry.make({params, stream_generator(configuration.seed, "init/adapter"), head, warn})
        ->attach(*model);
  });
}

Checker::Checker(const PluginHost& host) : state_(new State{host, {}, {}}) {}
Checker::~Checker() = default;

CheckResult Checker::check(const Json& config) {
  CheckResult result;
  Configuration configuration;
  if (!collect(result, "", [&] { configuration = read_configuration(config); })) return result;
  collect(result, "optimizer", [&] { optimizer_options(configuration.optimizer); });
  collect(result, "schedule", [&] { schedule_options(configuration.schedule); });
  std::int64_t max_length = 0;
  const bool training_fine = collect(result, "training", [&] {
    max_length = training_options(configuration.training).max_length.value_or(0);
  });
  const std::string length = std::to_string(max_length) + " ";
  state_->once(result, "task " + length + configuration.task_plugin + text_of(configuration.task),
               [&] { return state_->check_task(configuration, max_length); });
  if (!training_fine) return result;
  state_->once(result,
               "model " + length + configuration.model_plugin + text_of(configuration.model) +
                   configuration.adapter_plugin + text_of(configuration.adapter) +
                   configuration.task_plugin,
               [&] { return state_->check_model(configuration); });
  return result;
}

Json to_json(const CheckResult& result) {
  Json errors = Json::array();
  for (const auto& each : result.errors) {
    errors.push_back({{"key", each.key}, {"message", each.message}});
  }
  return {{"errors", std::move(errors)}, {"warnings", result.warnings}};
}

}  // namespace mvn
