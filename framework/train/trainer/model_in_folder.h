// What the folder of a model or an adapter, ours or another program's, belongs to.
#pragma once

#include <filesystem>
#include <string>

#include "mvn/value.h"
#include "train/host/plugin_host.h"
#include "train/trainer/configuration.h"

namespace mvn {

// Whether some adapter plugin saves such files.
bool holds_adapter(const PluginHost& host, const std::filesystem::path& folder);

// The adapter that saved these files. Throws ConfigError("--adapter") where none did.
const AdapterEntry& adapter_of(const PluginHost& host, const std::filesystem::path& folder);

// The base of the adapter in `folder`: `given`, or else the one that its files have `named`. A
// trial that started from random weights keeps them in "base" beside its adapter, where they are
// found when the results have moved. Throws ConfigError("--model") where there is none.
std::filesystem::path base_of(const std::filesystem::path& folder, const AdapterEntry& adapter,
                              const std::string& named, const std::filesystem::path& given);

// The plugin that reads the model_type of the config.json in `folder`. Throws
// ConfigError("--model").
std::string plugin_of(const PluginHost& host, const std::filesystem::path& folder,
                      const Value::Map& config);

// Weights that are a saved adapter, which a trial with one leaves: where nothing is trained, they
// become their base and that adapter. Throws ConfigError("model.weights") where they cannot.
void split_adapter_weights(const PluginHost& host, Configuration& configuration);

}  // namespace mvn
