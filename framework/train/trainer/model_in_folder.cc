#include "train/trainer/model_in_folder.h"

#include <algorithm>
#include <vector>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// The adapters that can be known by a file that they save.
std::vector<const AdapterEntry*> known_adapters(const PluginHost& host) {
  std::vector<const AdapterEntry*> known;
  for (const auto& component : host.components()) {
    if (component.kind != "adapter") continue;
    const auto& entry = host.adapter(component.name);
    if (!entry.config_file.empty()) known.push_back(&entry);
  }
  return known;
}

}  // namespace

bool holds_adapter(const PluginHost& host, const fs::path& folder) {
  return std::ranges::any_of(known_adapters(host), [&](const AdapterEntry* entry) {
    return fs::exists(folder / entry->config_file);
  });
}

const AdapterEntry& adapter_of(const PluginHost& host, const fs::path& folder) {
  std::string files;
  for (const AdapterEntry* entry : known_adapters(host)) {
    if (fs::exists(folder / entry->config_file)) return *entry;
    files += (files.empty() ? "" : " and no ") + entry->config_file;
  }
  throw ConfigError("--adapter", folder.string() + " holds no adapter: no " + files);
}

fs::path base_of(const fs::path& folder, const AdapterEntry& adapter, const std::string& named,
                 const fs::path& given) {
  if (!given.empty()) {
    if (fs::exists(given)) return given;
    throw ConfigError("--model", given.string() + " does not exist");
  }
  if (!named.empty() && fs::exists(named)) return named;
  if (fs::exists(folder / "base")) return folder / "base";
  throw ConfigError(
      "--model", (folder / adapter.config_file).string() +
                     (named.empty() ? " names no base model"
                                    : " names the base model '" + named + "', which is not there") +
                     "; say where it is with --model");
}

std::string plugin_of(const PluginHost& host, const fs::path& folder, const Value::Map& config) {
  const auto found = config.find("model_type");
  const bool is_text = found != config.end() && found->second.is_text();
  const std::string type = is_text ? found->second.as_text() : "";
  std::vector<std::string> known;
  for (const auto& component : host.components()) {
    if (component.kind != "model") continue;
    for (const auto& each : host.model(component.name).model_types) {
      if (each == type) return component.name;
      known.push_back(each);
    }
  }
  if (type.empty()) {
    throw ConfigError("--model", "config.json of " + folder.string() +
                                     " has no model_type; name the plugin with --plugin");
  }
  std::sort(known.begin(), known.end());
  throw ConfigError("--model", "no plugin reads the model_type '" + type + "' of " +
                                   folder.string() + suggest(type, known));
}

void split_adapter_weights(const PluginHost& host, Configuration& configuration) {
  const auto given = configuration.model.find("weights");
  if (given == configuration.model.end() || !given->second.is_text()) return;
  const fs::path folder = given->second.as_text();
  if (fs::exists(folder / "config.json") || !holds_adapter(host, folder)) return;
  const AdapterEntry& entry = adapter_of(host, folder);
  const bool trains = training_options(configuration.training).trains();
  if (trains || configuration.adapter_plugin != "none") {
    throw ConfigError("model.weights", folder.string() + " holds an adapter (" + entry.name +
                                           ") and no whole model: `mvn-runner merge` makes one of "
                                           "it, and adapter: {plugin: " +
                                           entry.name + ", weights: ...} goes on training it");
  }
  const auto base = base_of(folder, entry, entry.read_files(folder).base, "");
  configuration.adapter_plugin = entry.name;
  configuration.adapter = {{"weights", folder.string()}};
  if (!configuration.model.contains("tokenizer") && fs::exists(folder / "tokenizer.json")) {
    configuration.model["tokenizer"] = folder.string();
  }
  configuration.model["weights"] = base.string();
}

}  // namespace mvn
