// A trial's configuration, its sections read and validated against the plugins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/json.h"
#include "mvn/params.h"
#include "mvn/registry.h"
#include "train/host/plugin_host.h"
#include "train/recipe/sections.h"

namespace mvn {

// What a configuration asks for, by section; "plugin" is taken off the component sections. An
// absent section is empty, an absent adapter is "none".
struct Configuration {
  std::string model_plugin;
  std::string adapter_plugin;
  std::string task_plugin;
  Value::Map model;
  Value::Map adapter;
  Value::Map task;
  Value::Map optimizer;
  Value::Map schedule;
  Value::Map training;
  std::int64_t seed = 0;
};

// Throws ConfigError for an unknown section and for one of the wrong type.
Configuration read_configuration(const Json& config);

// The model section, resolved.
struct ModelPlan {
  const ModelEntry* entry;
  Params params;
  std::optional<std::filesystem::path> weights;  // absent: random weights
  bool weights_pending = false;                  // of a trial that has not been run yet
  Value::Map overrides;                          // entries to lay over the weights' config.json
  std::optional<std::filesystem::path> tokenizer;
};

// Throws ConfigError for an unknown plugin or a bad parameter.
ModelPlan plan_model(const PluginHost& host, const Configuration& configuration);

// The task's values, with those of TaskEntry::from_weights that are left open and can be found.
Value::Map task_values(const TaskEntry& entry, const Configuration& configuration);

// config.json of the planned model: the weights' own with the overrides laid upon it. Throws
// ConfigError where there is none, or its model_type is of another architecture.
Value::Map model_config(const ModelPlan& plan);

}  // namespace mvn
