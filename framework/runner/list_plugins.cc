#include "runner/list_plugins.h"

#include <algorithm>
#include <iomanip>

#include "common/json.h"
#include "common/text.h"
#include "mvn/nearest.h"
#include "runner/command.h"

namespace mvn {
namespace {

void list_parameters(const std::vector<ParamSpec>& params, std::ostream& out) {
  std::size_t name_width = 0;
  for (const auto& spec : params) name_width = std::max(name_width, spec.name.size());
  for (const auto& spec : params) {
    out << "    " << std::left << std::setw(static_cast<int>(name_width)) << spec.name << "  "
        << parameter_summary(spec) << "\n";
    if (!spec.help.empty()) out << std::string(name_width + 8, ' ') << spec.help << "\n";
  }
}

bool wanted(const std::string& name, const std::string& each) {
  return name.empty() || name == each;
}

std::vector<std::string> known_names(const Description& description) {
  std::vector<std::string> known;
  for (const auto& component : description.components) known.push_back(component.name);
  for (const auto& [section, params] : description.sections) known.push_back(section);
  return known;
}

void require_known(const Description& description, const std::string& name) {
  const auto known = known_names(description);
  if (!name.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
    throw UsageError("no plugin offers '" + name + "'" + suggest(name, known));
  }
}

}  // namespace

std::string parameter_summary(const ParamSpec& spec) {
  std::string text(to_string(spec.type));
  if (spec.required) text += ", required";
  if (!spec.default_value.is_null()) {
    const Json value = to_json(spec.default_value);
    text +=
        ", default " + (value.is_string() ? "'" + value.get<std::string>() + "'" : value.dump());
  }
  if (!spec.unit.empty()) text += ", in " + spec.unit;
  if (spec.min && spec.max) {
    text += ", " + short_number(*spec.min) + " to " + short_number(*spec.max);
  } else if (spec.min) {
    text += ", at least " + short_number(*spec.min);
  } else if (spec.max) {
    text += ", at most " + short_number(*spec.max);
  }
  for (std::size_t i = 0; i < spec.choices.size(); ++i) {
    text += (i == 0 ? ", one of " : " | ") + spec.choices[i];
  }
  return text;
}

Description only(const Description& description, const std::string& name) {
  require_known(description, name);
  Description chosen = description;
  std::erase_if(chosen.components, [&](const auto& each) { return !wanted(name, each.name); });
  std::erase_if(chosen.sections, [&](const auto& each) { return !wanted(name, each.first); });
  return chosen;
}

void list_plugins(const Description& description, const std::string& name, std::ostream& out) {
  require_known(description, name);
  for (const auto* kind : {"model", "adapter", "task"}) {
    for (const auto& each : description.components) {
      if (each.kind != kind || !wanted(name, each.name)) continue;
      out << kind << " " << each.name << ": " << each.help << "\n  plugin " << each.plugin << " "
          << each.version << (each.file.empty() ? "" : ", " + each.file.string()) << "\n";
      list_parameters(each.params, out);
    }
  }
  for (const auto& [section, params] : description.sections) {
    if (!wanted(name, section)) continue;
    out << "section " << section << ": of every trial\n";
    list_parameters(params, out);
  }
  if (!name.empty()) return;
  for (const auto& refused : description.refused) {
    out << "refused " << refused.file.string() << ": " << refused.reason << "\n";
  }
  out << "mvn-runner " << description.sdk << ", LibTorch " << description.torch << ", devices";
  for (const auto& device : description.devices) out << " " << device;
  out << std::endl;
}

}  // namespace mvn
