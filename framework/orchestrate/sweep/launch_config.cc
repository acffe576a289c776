#include <filesystem>

#include "orchestrate/sweep/placeholders.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void make_absolute(Json& value, const fs::path& folder) {
  value = (folder / value.get<std::string>()).lexically_normal().string();
}

void finish_param(const ParamSpec& spec, Json& value, const fs::path& folder,
                  const std::function<fs::path(const std::string& id)>& model_folder) {
  const bool path = spec.type == ParamType::kPath || spec.type == ParamType::kPathList ||
                    spec.type == ParamType::kWeights;
  if (path && value.is_string()) make_absolute(value, folder);
  if (path && value.is_array()) {
    for (Json& each : value) make_absolute(each, folder);
  }
  if (spec.type == ParamType::kWeights && value.is_object() && value.contains("trial")) {
    value = model_folder(value.at("trial").get<std::string>()).string();
  }
}

const std::vector<ParamSpec>* specs_of(const std::string& section, const Json& values,
                                       const Description& installed) {
  const auto own = installed.sections.find(section);
  if (own != installed.sections.end()) return &own->second;
  if (!values.is_object() || !values.contains("plugin")) return nullptr;
  const auto* component = installed.find(section, values.at("plugin").get<std::string>());
  return component == nullptr ? nullptr : &component->params;
}

}  // namespace

Json launch_config(const SweepPlan& plan, const PlannedTrial& trial, const Description& installed,
                   const std::function<fs::path(const std::string& id)>& model_folder) {
  Json config = trial.config;
  const fs::path folder = plan.file.parent_path();
  for (const auto& [section, values] : config.items()) {
    const auto* specs = specs_of(section, values, installed);
    if (specs == nullptr) continue;
    for (const ParamSpec& spec : *specs) {
      const auto value = values.find(spec.name);
      if (value != values.end()) finish_param(spec, *value, folder, model_folder);
    }
  }
  const auto args = config.find("args");
  if (args != config.end()) *args = with_seed(*args, trial.seed);
  return config;
}

}  // namespace mvn
