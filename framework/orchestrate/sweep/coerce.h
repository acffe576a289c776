// A scalar, list or map as written -> a value of the type that a plugin's schema declares.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/json.h"
#include "mvn/params.h"
#include "orchestrate/hub/reference.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

struct CoerceContext {
  std::filesystem::path folder;  // absolute, of the sweep file
  std::function<std::string(const std::string& prefix)> find_trial;
  ProblemList* problems = nullptr;
  // What a reference to the hub ("hf:...") is in a configuration; throws ConfigError.
  std::function<std::string(const std::string& reference, HubUse use)> pin = {};
};

// The value of parameter `key` ("adapter.r"), normalised so that equal values have equal JSON:
// a real is a real however written, a text list a list, a path relative to the sweep file.
// A reference to another trial's model is {"trial": ID} or, not yet resolved, {"stage": NAME,
// "match": [...]}. nullopt after reporting a problem; `declared` says who declared the parameter,
// "" for a key of the sweep file itself.
std::optional<Json> coerce(const std::string& key, const ParamSpec& spec, const Node& node,
                           const std::string& declared, const CoerceContext& context);

// What to write where `key` was given several values outside `parameters`.
std::string axis_elsewhere(const std::string& key);

// A path as the configuration holds it: relative to the sweep file's folder, wherever it was
// written; absolute where it came from the command line.
std::string config_path(const Node& node, const std::filesystem::path& sweep_folder);

}  // namespace mvn
