// What is installed, as `mvn-worker describe` prints it and the runner reads it: the plugins, their
// parameters, and the sections that the trainer itself owns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "mvn/params.h"

namespace mvn {

struct ComponentDescription {
  std::string kind;  // "model", "adapter" or "task"
  std::string name;
  std::string help;
  std::string plugin;  // the plugin that offers it, its version and its file
  std::string version;
  std::filesystem::path file;
  std::vector<ParamSpec> params;
};

struct RefusedPlugin {
  std::filesystem::path file;
  std::string reason;
};

struct Description {
  std::string sdk;                                         // version of mvn-runner
  std::string torch;                                       // version of LibTorch
  std::vector<std::string> devices;                        // "cpu", "cuda:0", ...
  std::map<std::string, std::int64_t> device_memory;       // bytes of each GPU
  std::map<std::string, std::vector<ParamSpec>> sections;  // "optimizer", "schedule", "training"
  std::vector<ComponentDescription> components;
  std::vector<RefusedPlugin> refused;

  // nullptr where there is none.
  [[nodiscard]] const ComponentDescription* find(std::string_view kind,
                                                 std::string_view name) const;
  // The names of a kind's components, sorted.
  [[nodiscard]] std::vector<std::string> names(std::string_view kind) const;
};

Json to_json(const Description& description);
Description description_from_json(const Json& json);

}  // namespace mvn
