#include "train/trainer/configuration.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "train/checkpoint/weights.h"

namespace mvn {
namespace {

const std::vector<std::string> kKnown = {"model",    "adapter",  "task",   "optimizer",
                                         "schedule", "training", "recipe", "seed"};

Value::Map section_of(const Value::Map& config, const std::string& name) {
  const auto found = config.find(name);
  if (found == config.end() || found->second.is_null()) return {};
  if (!found->second.is_map()) {
    throw ConfigError(
        name, "expected a map of parameters, got " + std::string(found->second.type_name()));
  }
  return found->second.as_map();
}

// Takes "plugin" off a component's section.
std::string take_plugin(Value::Map& section, const std::string& kind, const std::string& fallback) {
  const auto found = section.find("plugin");
  if (found == section.end() || found->second.is_null()) {
    if (!fallback.empty()) return fallback;
    throw ConfigError(kind + ".plugin", "is required: the name of a " + kind + " plugin");
  }
  if (!found->second.is_text()) {
    throw ConfigError(kind + ".plugin",
                      "expected text, got " + std::string(found->second.type_name()));
  }
  std::string name = found->second.as_text();
  section.erase(found);
  return name;
}

void merge_into(Value::Map& base, const Value::Map& over) {
  for (const auto& [key, value] : over) {
    const auto found = base.find(key);
    if (found != base.end() && found->second.is_map() && value.is_map()) {
      merge_into(found->second.as_map(), value.as_map());
    } else {
      base[key] = value;
    }
  }
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "'" : "', '") + name;
  return text + "'";
}

// Weights may be one file of a folder.
std::filesystem::path folder_of(const std::filesystem::path& weights) {
  return std::filesystem::is_regular_file(weights) ? weights.parent_path() : weights;
}

}  // namespace

Configuration read_configuration(const Json& config) {
  if (!config.is_object()) throw ConfigError("", "the configuration is not a map");
  const Value::Map map = to_value(config).as_map();
  for (const auto& [name, value] : map) {
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      throw ConfigError(name, "unknown section" + suggest(name, kKnown));
    }
  }
  Configuration result;
  result.model = section_of(map, "model");
  result.adapter = section_of(map, "adapter");
  result.task = section_of(map, "task");
  result.optimizer = section_of(map, "optimizer");
  result.schedule = section_of(map, "schedule");
  result.training = section_of(map, "training");
  result.model_plugin = take_plugin(result.model, "model", "");
  result.adapter_plugin = take_plugin(result.adapter, "adapter", "none");
  result.task_plugin = take_plugin(result.task, "task", "");
  if (const auto seed = map.find("seed"); seed != map.end() && !seed->second.is_null()) {
    if (!seed->second.is_int()) {
      throw ConfigError("seed", "expected int, got " + std::string(seed->second.type_name()));
    }
    result.seed = seed->second.as_int();
  }
  return result;
}

ModelPlan plan_model(const PluginHost& host, const Configuration& configuration) {
  const ModelEntry& entry = host.model(configuration.model_plugin);
  ModelPlan plan{&entry, Params("model", entry.params, configuration.model), {}, false, {}, {}};
  if (plan.params.has("config")) plan.overrides = plan.params.get("config").as_map();
  if (plan.params.has("tokenizer")) plan.tokenizer = plan.params.get_path("tokenizer");
  if (plan.params.has("weights")) {
    plan.weights_pending = plan.params.get("weights").is_map();
    if (!plan.weights_pending) plan.weights = plan.params.get_path("weights");
  }
  if (plan.weights && !plan.tokenizer) plan.tokenizer = folder_of(*plan.weights);
  if (!plan.weights && !plan.weights_pending && plan.overrides.empty()) {
    throw ConfigError("model.weights",
                      "is required: give pretrained weights, or model.config for a model with "
                      "random weights");
  }
  if (!plan.tokenizer && !plan.weights_pending) {
    throw ConfigError("model.tokenizer",
                      "is required where the model has no weights to take it from");
  }
  return plan;
}

Value::Map task_values(const TaskEntry& entry, const Configuration& configuration) {
  Value::Map values = configuration.task;
  for (const auto& [parameter, file] : entry.from_weights) {
    const auto given = values.find(parameter);
    if (given != values.end() && !given->second.is_null()) continue;
    for (const auto* section : {&configuration.model, &configuration.adapter}) {
      const auto weights = section->find("weights");
      if (weights == section->end() || !weights->second.is_text()) continue;
      const auto folder = folder_of(weights->second.as_text());
      if (std::filesystem::exists(folder / file)) values[parameter] = folder.string();
    }
  }
  return values;
}

Value::Map model_config(const ModelPlan& plan) {
  Value::Map config;
  if (plan.weights) config = read_model_config(*plan.weights);
  merge_into(config, plan.overrides);
  const auto& known = plan.entry->model_types;
  const auto type = config.find("model_type");
  if (type != config.end() && type->second.is_text() && !known.empty() &&
      std::find(known.begin(), known.end(), type->second.as_text()) == known.end()) {
    throw ConfigError("model.weights", "its config.json says model_type '" +
                                           type->second.as_text() + "', but plugin '" +
                                           plan.entry->name + "' reads " + list_of(known));
  }
  return config;
}

}  // namespace mvn
