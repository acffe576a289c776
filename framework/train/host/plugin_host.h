// Finds, checks and opens plugins.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/description.h"
#include "mvn/registry.h"

namespace mvn {

// The folders searched, in order: `extra` (--plugin-dir), MVN_PLUGIN_PATH (colon-separated), the
// plugin folder beside the program (../lib/mvn/plugins). Never the working directory.
std::vector<std::filesystem::path> plugin_folders(const std::vector<std::filesystem::path>& extra);

// Every plugin of the folders, opened; of two files of one name the first folder's counts. A plugin
// that cannot be used is set aside with the reason; two components of one name are an Error naming
// both files. Plugins are never unloaded: tensors they made may hold pointers into their code.
class PluginHost {
 public:
  explicit PluginHost(const std::vector<std::filesystem::path>& folders);
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Throw ConfigError("model.plugin" / ...) with the nearest known name, or the reason when a
  // plugin file of that name was refused.
  [[nodiscard]] const ModelEntry& model(const std::string& name) const;
  [[nodiscard]] const AdapterEntry& adapter(const std::string& name) const;
  [[nodiscard]] const TaskEntry& task(const std::string& name) const;

  // Components and refusals; the trainer's own sections are added by describe() (trainer).
  [[nodiscard]] const std::vector<ComponentDescription>& components() const;
  [[nodiscard]] const std::vector<RefusedPlugin>& refused() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mvn
