#include "orchestrate/sweep/condition.h"

#include <algorithm>
#include <utility>

#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/sweep/document.h"

namespace mvn {
namespace {

void add_names(std::vector<std::string>& names, const std::vector<ParamSpec>& specs) {
  for (const ParamSpec& spec : specs) {
    if (std::find(names.begin(), names.end(), spec.name) == names.end()) {
      names.push_back(spec.name);
    }
  }
}

// The parameters that a section may have, whichever component it uses.
std::vector<std::string> parameters_of(const std::string& section, const Description& installed) {
  std::vector<std::string> names;
  const auto own = installed.sections.find(section);
  if (own != installed.sections.end()) {
    add_names(names, own->second);
    return names;
  }
  names.emplace_back("plugin");
  for (const ComponentDescription& component : installed.components) {
    if (component.kind == section) add_names(names, component.params);
  }
  return names;
}

const ParamSpec* find_spec(const std::vector<ParamSpec>& specs, const std::string& name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [&](const ParamSpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

void add_value(const std::string& key, const Node& value, std::set<std::string>& keys) {
  keys.insert(key);
  for (const Entry& entry : value.entries) add_value(key + "." + entry.key, entry.value, keys);
}

// Of `parameters`, whose keys are dotted themselves.
void add_axes(const Node* axes, std::set<std::string>& keys) {
  if (axes == nullptr) return;
  for (const Entry& entry : axes->entries) {
    keys.insert(entry.key);
    if (const Node* value = entry.value.get("value")) add_value(entry.key, *value, keys);
    if (const Node* values = entry.value.get("values")) {
      for (const Node& value : values->items) add_value(entry.key, value, keys);
    }
  }
}

// Of `trials` and `zip`, whose values are lists.
void add_assignments(const Node* list, std::set<std::string>& keys) {
  if (list == nullptr) return;
  for (const Node& item : list->items) {
    for (const Entry& entry : item.entries) {
      add_value(entry.key, entry.value, keys);
      for (const Node& value : entry.value.items) add_value(entry.key, value, keys);
    }
  }
}

// The key, or a part of its value.
bool is_given(const std::string& key, const std::set<std::string>& given) {
  const auto part = given.lower_bound(key + ".");
  return given.contains(key) || (part != given.end() && part->starts_with(key + "."));
}

}  // namespace

const Json& value_at(const Json& config, const std::string& dotted) {
  static const Json none;
  const Json* value = &config;
  for (const std::string& part : split_dotted(dotted)) {
    if (!value->is_object()) return none;
    const auto found = value->find(part);
    if (found == value->end()) return none;
    value = &*found;
  }
  return *value;
}

std::set<std::string> given_keys(const Node& stage, const Description& installed) {
  std::set<std::string> keys;
  for (const std::string& section : section_names(installed)) {
    if (const Node* values = stage.get(section)) add_value(section, *values, keys);
  }
  add_axes(stage.get("parameters"), keys);
  add_assignments(stage.get("trials"), keys);
  add_assignments(stage.get("zip"), keys);
  if (const Node* when = stage.get("when")) {
    for (const Node& item : when->items) add_axes(item.get("parameters"), keys);
  }
  return keys;
}

Condition::Condition(std::string what, const Node& text, const Description& installed,
                     const std::set<std::string>& given, ProblemList& problems)
    : what_(std::move(what)),
      mark_(text.mark),
      text_(text.text),
      installed_(&installed),
      problems_(&problems) {
  if (!text.is_scalar()) {
    problems.add(mark_,
                 what_ + ": expected a condition such as \"adapter.r > 8\", got " + describe(text));
    return;
  }
  try {
    expression_.emplace(text_);
  } catch (const ConfigError& e) {
    problems.add(mark_, what_ + ": " + e.message());
    return;
  }
  for (const std::string& key : expression_->keys()) check_key(key, given);
}

void Condition::check_key(const std::string& key, const std::set<std::string>& given) {
  if (key == "seed" || key == "recipe") return;
  const auto path = split_dotted(key);
  const auto sections = section_names(*installed_);
  if (std::find(sections.begin(), sections.end(), path[0]) == sections.end()) {
    problems_->add(mark_, what_ + ": unknown section '" + path[0] + "' in '" + key + "'" +
                              suggest(path[0], sections));
    return;
  }
  auto names = parameters_of(path[0], *installed_);
  const bool declared = std::find(names.begin(), names.end(), path[1]) != names.end();
  if (declared || is_given(key, given)) return;
  const std::string section = path[0] + ".";
  for (const std::string& each : given) {
    if (!each.starts_with(section)) continue;
    const std::string name = each.substr(section.size());
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  problems_->add(mark_, what_ + ": unknown parameter '" + key + "'" +
                            suggest(key.substr(section.size()), names));
}

Json Condition::lookup(const Json& config, const std::string& key) const {
  const Json& given = value_at(config, key);
  const auto path = split_dotted(key);
  if (!given.is_null() || path.size() != 2) return given;
  const auto own = installed_->sections.find(path[0]);
  const std::vector<ParamSpec>* specs = own == installed_->sections.end() ? nullptr : &own->second;
  const Json& plugin = value_at(config, path[0] + ".plugin");
  if (specs == nullptr && plugin.is_string()) {
    const auto* component = installed_->find(path[0], plugin.get<std::string>());
    if (component != nullptr) specs = &component->params;
  }
  const ParamSpec* spec = specs == nullptr ? nullptr : find_spec(*specs, path[1]);
  return spec == nullptr ? Json() : to_json(spec->default_value);
}

bool Condition::holds(const Json& config) {
  if (!expression_) return false;
  try {
    const bool result =
        expression_->holds([&](const std::string& key) { return lookup(config, key); });
    held_ = held_ || result;
    return result;
  } catch (const ConfigError& e) {
    problems_->add(mark_, what_ + ": " + e.message());
    return false;
  }
}

std::vector<Condition> read_conditions(const std::string& key, const Node& stage,
                                       const Description& installed,
                                       const std::set<std::string>& given, ProblemList& problems) {
  std::vector<Condition> conditions;
  const Node* node = stage.get(key);
  if (node == nullptr) return conditions;
  if (!node->is_list()) {
    conditions.emplace_back(key, *node, installed, given, problems);
    return conditions;
  }
  for (const Node& item : node->items) {
    conditions.emplace_back(key, item, installed, given, problems);
  }
  return conditions;
}

}  // namespace mvn
