// A plugin of this build, opened as the worker opens it but without a search: its components.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "mvn/plugin.h"
#include "mvn/registry.h"

namespace mvn::test {

// The folder of the built plugins: what the program was compiled with, or $MVN_TEST_PLUGINS for one
// that was copied.
inline std::string plugin_folder() {
  const char* const given = std::getenv("MVN_TEST_PLUGINS");
  return given != nullptr ? given : MVN_TEST_PLUGINS;
}

class PluginLibrary : public Registry {
 public:
  explicit PluginLibrary(const std::string& name) {
    const std::string path = plugin_folder() + "/" + name + ".so";
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    const auto* plugin = static_cast<const PluginDescriptor*>(::dlsym(library, "mvn_plugin"));
    if (plugin == nullptr) throw std::runtime_error(path + ": no mvn_plugin");
    plugin->register_components(*this);
  }

  void add_model(ModelEntry entry) override { models.emplace(entry.name, std::move(entry)); }
  void add_adapter(AdapterEntry entry) override { adapters.emplace(entry.name, std::move(entry)); }
  void add_task(TaskEntry entry) override { tasks.emplace(entry.name, std::move(entry)); }

  std::map<std::string, ModelEntry> models;
  std::map<std::string, AdapterEntry> adapters;
  std::map<std::string, TaskEntry> tasks;
};

// A model of plugin `name` from a configuration, as from a sweep file's `model.config` where
// `own_keys` is set.
inline std::shared_ptr<Model> make_model(const std::string& name, const Value::Map& config,
                                         const torch::TensorOptions& options = torch::kFloat32,
                                         HeadKind head = HeadKind::kLanguageModel,
                                         bool own_keys = false) {
  static std::map<std::string, std::unique_ptr<PluginLibrary>> opened;
  auto& library = opened[name];
  if (!library) library = std::make_unique<PluginLibrary>(name);
  const auto& entry = library->models.at(name);
  auto specs = entry.params;
  specs.push_back({.name = "config", .type = ParamType::kObject});
  Value::Map given;
  if (own_keys) given.emplace("config", config);
  const Params params("model", specs, given);
  return entry.make(ModelContext{params, config, options, head});
}

}  // namespace mvn::test
