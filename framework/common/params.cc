#include "mvn/params.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mvn/error.h"
#include "mvn/nearest.h"

namespace mvn {
namespace {

constexpr std::array<std::pair<ParamType, std::string_view>, 10> kTypeNames = {{
    {ParamType::kBool, "bool"},
    {ParamType::kInt, "int"},
    {ParamType::kReal, "real"},
    {ParamType::kText, "text"},
    {ParamType::kPath, "path"},
    {ParamType::kTextList, "text_list"},
    {ParamType::kTextOrList, "text_or_list"},
    {ParamType::kObject, "object"},
    {ParamType::kPathList, "path_list"},
    {ParamType::kWeights, "weights"},
}};

constexpr std::array<std::pair<ParamRole, std::string_view>, 6> kRoleNames = {{
    {ParamRole::kNone, "none"},
    {ParamRole::kBatch, "batch"},
    {ParamRole::kMicroBatch, "micro_batch"},
    {ParamRole::kPasses, "passes"},
    {ParamRole::kSteps, "steps"},
    {ParamRole::kCourse, "course"},
}};

template <typename Names, typename Named>
std::string_view name_of(const Names& names, Named named) {
  return std::ranges::find(names, named, &Names::value_type::first)->second;
}

template <typename Names>
auto named(const Names& names, std::string_view name, const std::string& what) {
  const auto found = std::ranges::find(names, name, &Names::value_type::second);
  if (found == names.end()) throw Error("unknown " + what + " '" + std::string(name) + "'");
  return found->first;
}

bool is_text_list(const Value& value) {
  return value.is_list() && std::all_of(value.as_list().begin(), value.as_list().end(),
                                        [](const Value& item) { return item.is_text(); });
}

bool fits(ParamType type, const Value& value) {
  switch (type) {
    case ParamType::kBool:
      return value.is_bool();
    case ParamType::kInt:
      return value.is_int();
    case ParamType::kReal:
      return value.is_real();
    case ParamType::kText:
    case ParamType::kPath:
      return value.is_text();
    case ParamType::kTextList:
    case ParamType::kTextOrList:
    case ParamType::kPathList:
      return value.is_text() || is_text_list(value);
    case ParamType::kObject:
      return value.is_map();
    case ParamType::kWeights:
      return value.is_text() || value.is_map();
  }
  return false;
}

std::string number_text(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? std::to_string(whole) : std::to_string(number);
}

void check_value(const std::string& key, const ParamSpec& spec, const Value& value) {
  if (!fits(spec.type, value)) {
    throw ConfigError(key, "expected " + std::string(to_string(spec.type)) + ", got " +
                               std::string(value.type_name()) +
                               (value.is_text() ? " '" + value.as_text() + "'" : ""));
  }
  if (!spec.choices.empty() && value.is_text() &&
      std::find(spec.choices.begin(), spec.choices.end(), value.as_text()) == spec.choices.end()) {
    throw ConfigError(
        key, "unknown value '" + value.as_text() + "'" + suggest(value.as_text(), spec.choices));
  }
  if (!value.is_real()) return;
  const auto expect = [&](bool holds, const char* what, std::optional<double> bound) {
    if (holds) return;
    throw ConfigError(key, std::string("must be ") + what + " " + number_text(*bound) + ", got " +
                               number_text(value.as_real()));
  };
  expect(!spec.min || value.as_real() >= *spec.min, "at least", spec.min);
  expect(!spec.max || value.as_real() <= *spec.max, "at most", spec.max);
  expect(!spec.above || value.as_real() > *spec.above, "greater than", spec.above);
}

}  // namespace

std::string_view to_string(ParamType type) { return name_of(kTypeNames, type); }
std::string_view to_string(ParamRole role) { return name_of(kRoleNames, role); }

ParamType param_type_from(std::string_view name) {
  return named(kTypeNames, name, "parameter type");
}
ParamRole param_role_from(std::string_view name) {
  return named(kRoleNames, name, "role of a parameter");
}

Params::Params(std::string section, const std::vector<ParamSpec>& specs, const Value::Map& values)
    : section_(std::move(section)) {
  for (const auto& spec : specs) values_[spec.name] = spec.default_value;
  for (const auto& [name, value] : values) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(),
                     [&name = name](const ParamSpec& known) { return known.name == name; });
    if (spec == specs.end()) {
      std::vector<std::string> known;
      for (const auto& each : specs) known.push_back(each.name);
      throw ConfigError(key(name), "unknown parameter" + suggest(name, known));
    }
    if (value.is_null()) continue;
    check_value(key(name), *spec, value);
    values_[name] = value;
  }
  for (const auto& spec : specs) {
    for (const auto& other : spec.excludes) {
      if (values_[spec.name].is_null() || values_[other].is_null()) continue;
      throw ConfigError(key(spec.name), "give either this or " + key(other) +
                                            ", not both (null takes a recipe's back)");
    }
    if (spec.required && values_[spec.name].is_null()) {
      throw ConfigError(key(spec.name), "is required: " + spec.help);
    }
  }
}

bool Params::has(std::string_view name) const { return !get(name).is_null(); }

const Value& Params::get(std::string_view name) const {
  const auto entry = values_.find(name);
  if (entry == values_.end()) throw Error("parameter '" + key(name) + "' was never declared");
  return entry->second;
}

namespace {

const Value& given(const Params& params, std::string_view name) {
  const Value& value = params.get(name);
  if (value.is_null()) throw ConfigError(params.key(name), "has no value");
  return value;
}

}  // namespace

bool Params::get_bool(std::string_view name) const { return given(*this, name).as_bool(); }
std::int64_t Params::get_int(std::string_view name) const { return given(*this, name).as_int(); }
double Params::get_real(std::string_view name) const { return given(*this, name).as_real(); }
std::string Params::get_text(std::string_view name) const { return given(*this, name).as_text(); }

std::filesystem::path Params::get_path(std::string_view name) const {
  return given(*this, name).as_text();
}

std::vector<std::string> Params::get_text_list(std::string_view name) const {
  const Value& value = given(*this, name);
  if (value.is_text()) return {value.as_text()};
  std::vector<std::string> list;
  for (const auto& item : value.as_list()) list.push_back(item.as_text());
  return list;
}

std::vector<std::filesystem::path> Params::get_path_list(std::string_view name) const {
  const auto texts = get_text_list(name);
  return {texts.begin(), texts.end()};
}

std::string Params::key(std::string_view name) const {
  return section_.empty() ? std::string(name) : section_ + "." + std::string(name);
}

}  // namespace mvn
