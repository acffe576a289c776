#include "orchestrate/sweep/condition.h"

#include <algorithm>
#include <utility>

#include "common/nearest.h"
#include "mvn/error.h"
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

Condition::Condition(std::string what, const Node& text, const Description& installed,
                     ProblemList& problems)
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
  for (const std::string& key : expression_->keys()) check_key(key);
}

void Condition::check_key(const std::string& key) {
  if (key == "seed" || key == "recipe") return;
  const auto path = split_dotted(key);
  const auto sections = section_names(*installed_);
  if (std::find(sections.begin(), sections.end(), path[0]) == sections.end()) {
    problems_->add(mark_, what_ + ": unknown section '" + path[0] + "' in '" + key + "'" +
                              suggest(path[0], sections));
    return;
  }
  const auto names = parameters_of(path[0], *installed_);
  if (std::find(names.begin(), names.end(), path[1]) != names.end()) return;
  problems_->add(mark_, what_ + ": unknown parameter '" + key + "'" + suggest(path[1], names));
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
                                       const Description& installed, ProblemList& problems) {
  std::vector<Condition> conditions;
  const Node* node = stage.get(key);
  if (node == nullptr) return conditions;
  if (!node->is_list()) {
    conditions.emplace_back(key, *node, installed, problems);
    return conditions;
  }
  for (const Node& item : node->items) conditions.emplace_back(key, item, installed, problems);
  return conditions;
}

}  // namespace mvn
