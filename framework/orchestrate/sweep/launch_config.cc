#include <filesystem>

#include "orchestrate/sweep/hub_paths.h"
#include "orchestrate/sweep/placeholders.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

void make_absolute(Json& value, const fs::path& folder) {
  value = (folder / value.get<std::string>()).lexically_normal().string();
}

}  // namespace

Json launch_config(const SweepPlan& plan, const PlannedTrial& trial, const Description& installed,
                   const std::function<fs::path(const std::string& id)>& model_folder,
                   const HubPath& hub_path) {
  Json config = trial.config;
  const fs::path folder = plan.file.parent_path();
  each_path(config, installed, [&](const std::string& section, const ParamSpec& spec, Json& value) {
    if (value.is_string() && is_hub_reference(value.get_ref<const std::string&>())) {
      if (!hub_path) return;
      value = hub_path(value.get<std::string>(), hub_use(section, spec.type)).string();
    } else if (value.is_string()) {
      make_absolute(value, folder);
    } else if (value.is_object() && value.contains("trial")) {
      value = model_folder(value.at("trial").get<std::string>()).string();
    }
  });
  const auto args = config.find("args");
  if (args != config.end()) *args = with_seed(*args, trial.seed);
  return config;
}

}  // namespace mvn
