#include "common/description.h"

#include <algorithm>

namespace mvn {
namespace {

Json spec_to_json(const ParamSpec& spec) {
  Json json = {{"name", spec.name},
               {"type", to_string(spec.type)},
               {"default", to_json(spec.default_value)},
               {"help", spec.help},
               {"unit", spec.unit},
               {"required", spec.required},
               {"choices", spec.choices}};
  if (spec.min) json["min"] = *spec.min;
  if (spec.max) json["max"] = *spec.max;
  if (spec.above) json["above"] = *spec.above;
  if (!spec.excludes.empty()) json["excludes"] = spec.excludes;
  if (!spec.replaces.empty()) json["replaces"] = spec.replaces;
  if (spec.role != ParamRole::kNone) json["role"] = to_string(spec.role);
  return json;
}

ParamSpec spec_from_json(const Json& json) {
  ParamSpec spec;
  spec.name = json.at("name");
  spec.type = param_type_from(json.at("type").get<std::string>());
  spec.default_value = to_value(json.at("default"));
  spec.help = json.at("help");
  spec.unit = json.at("unit");
  spec.required = json.at("required");
  spec.choices = json.at("choices").get<std::vector<std::string>>();
  if (json.contains("min")) spec.min = json.at("min").get<double>();
  if (json.contains("max")) spec.max = json.at("max").get<double>();
  if (json.contains("above")) spec.above = json.at("above").get<double>();
  spec.excludes = json.value("excludes", spec.excludes);
  spec.replaces = json.value("replaces", spec.replaces);
  spec.role = param_role_from(json.value("role", std::string("none")));
  return spec;
}

Json specs_to_json(const std::vector<ParamSpec>& specs) {
  Json list = Json::array();
  for (const auto& spec : specs) list.push_back(spec_to_json(spec));
  return list;
}

std::vector<ParamSpec> specs_from_json(const Json& json) {
  std::vector<ParamSpec> specs;
  for (const auto& item : json) specs.push_back(spec_from_json(item));
  return specs;
}

}  // namespace

const ComponentDescription* Description::find(std::string_view kind, std::string_view name) const {
  const auto found = std::find_if(components.begin(), components.end(), [&](const auto& each) {
    return each.kind == kind && each.name == name;
  });
  return found == components.end() ? nullptr : &*found;
}

std::vector<std::string> Description::names(std::string_view kind) const {
  std::vector<std::string> names;
  for (const auto& component : components) {
    if (component.kind == kind) names.push_back(component.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Json to_json(const Description& description) {
  Json json = {{"sdk", description.sdk},         {"torch", description.torch},
               {"devices", description.devices}, {"sections", Json::object()},
               {"components", Json::array()},    {"refused", Json::array()}};
  if (!description.device_memory.empty()) json["device_memory"] = description.device_memory;
  for (const auto& [name, specs] : description.sections) {
    json["sections"][name] = specs_to_json(specs);
  }
  for (const auto& each : description.components) {
    json["components"].push_back({{"kind", each.kind},
                                  {"name", each.name},
                                  {"help", each.help},
                                  {"plugin", each.plugin},
                                  {"version", each.version},
                                  {"file", each.file.string()},
                                  {"params", specs_to_json(each.params)}});
  }
  for (const auto& each : description.refused) {
    json["refused"].push_back({{"file", each.file.string()}, {"reason", each.reason}});
  }
  return json;
}

Description description_from_json(const Json& json) {
  Description description;
  json.at("sdk").get_to(description.sdk);
  json.at("torch").get_to(description.torch);
  json.at("devices").get_to(description.devices);
  description.device_memory = json.value("device_memory", description.device_memory);
  for (const auto& [name, specs] : json.at("sections").items()) {
    description.sections[name] = specs_from_json(specs);
  }
  for (const auto& each : json.at("components")) {
    description.components.push_back(
        {each.at("kind"), each.at("name"), each.at("help"), each.at("plugin"), each.at("version"),
         each.at("file").get<std::string>(), specs_from_json(each.at("params"))});
  }
  for (const auto& each : json.at("refused")) {
    description.refused.push_back({each.at("file").get<std::string>(), each.at("reason")});
  }
  return description;
}

}  // namespace mvn
