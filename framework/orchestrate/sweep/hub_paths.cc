#include "orchestrate/sweep/hub_paths.h"

namespace mvn {
namespace {

const std::vector<ParamSpec>* specs_of(const std::string& section, const Json& values,
                                       const Description& installed) {
  const auto own = installed.sections.find(section);
  if (own != installed.sections.end()) return &own->second;
  if (!values.is_object() || !values.contains("plugin")) return nullptr;
  const auto* component = installed.find(section, values.at("plugin").get<std::string>());
  return component == nullptr ? nullptr : &component->params;
}

}  // namespace

HubUse hub_use(const std::string& section, ParamType type) {
  if (type == ParamType::kWeights) return HubUse::kModel;
  if (section == "model") return HubUse::kTokenizer;
  return section == "adapter" ? HubUse::kAdapter : HubUse::kData;
}

HubKind hub_kind(HubUse use) { return use == HubUse::kData ? HubKind::kDataset : HubKind::kModel; }

void each_path(Json& config, const Description& installed,
               const std::function<void(const std::string& section, const ParamSpec& spec,
                                        Json& value)>& visit) {
  for (const auto& [section, values] : config.items()) {
    const auto* specs = specs_of(section, values, installed);
    if (specs == nullptr || !values.is_object()) continue;
    for (const ParamSpec& spec : *specs) {
      if (spec.type != ParamType::kPath && spec.type != ParamType::kPathList &&
          spec.type != ParamType::kWeights) {
        continue;
      }
      const auto value = values.find(spec.name);
      if (value == values.end()) continue;
      if (!value->is_array()) {
        visit(section, spec, *value);
        continue;
      }
      for (Json& each : *value) visit(section, spec, each);
    }
  }
}

}  // namespace mvn
