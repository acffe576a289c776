#include "orchestrate/sweep/json_schema.h"

#include <algorithm>
#include <regex>

#include "orchestrate/sweep/document.h"
#include "orchestrate/sweep/keys.h"

namespace mvn {
namespace {

Json reference(const std::string& definition) { return {{"$ref", "#/definitions/" + definition}}; }

// `schema` where null, which takes a key away, is a value too.
Json or_null(Json schema) {
  if (!schema.is_object()) return schema;
  if (schema.contains("type")) {
    Json& type = schema["type"];
    if (!type.is_array()) type = Json::array({type});
    type.push_back("null");
  }
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  if (schema.contains("anyOf")) schema["anyOf"].push_back({{"type", "null"}});
  return schema;
}

Json described(Json schema, std::string_view help) {
  if (!schema.is_object()) schema = Json::object();
  // Beside a reference, draft 7 reads nothing.
  if (schema.contains("$ref")) schema = {{"allOf", Json::array({schema})}};
  schema["description"] = help;
  return schema;
}

Json closed(Json properties) {
  return {{"type", {"object", "null"}},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

Json type_of(const ParamSpec& spec) {
  static const Json scalar = {{"type", {"string", "number", "boolean"}}};
  Json text = spec.choices.empty() ? scalar : Json{{"enum", spec.choices}};
  switch (spec.type) {
    case ParamType::kBool:
      return {{"type", "boolean"}};
    case ParamType::kInt:
      return {{"type", "integer"}};
    case ParamType::kReal:
      return {{"type", "number"}};
    case ParamType::kText:
      return text;
    case ParamType::kPath:
      return {{"type", "string"}};
    case ParamType::kTextList:
    case ParamType::kTextOrList:
      return {{"anyOf", {text, {{"type", "array"}, {"items", text}}}}};
    case ParamType::kPathList:
      return {
          {"anyOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}}};
    case ParamType::kObject:
      return {{"type", "object"}};
    case ParamType::kWeights:
      return {{"anyOf", {{{"type", "string"}}, reference("weights")}}};
  }
  return Json::object();
}

void add_bounds(Json& schema, const ParamSpec& spec) {
  if (spec.min) schema["minimum"] = *spec.min;
  if (spec.max) schema["maximum"] = *spec.max;
  if (spec.above) schema["exclusiveMinimum"] = *spec.above;
}

// Not two parameters or keys of a map that exclude each other; null takes one away.
Json without_excluded(const std::vector<const ParamSpec*>& specs) {
  const Json given = {{"not", {{"type", "null"}}}};
  Json pairs = Json::array();
  for (const ParamSpec* spec : specs) {
    for (const std::string& other : spec->excludes) {
      pairs.push_back({{"not",
                        {{"type", "object"},
                         {"required", {spec->name, other}},
                         {"properties", {{spec->name, given}, {other, given}}}}}});
    }
  }
  return pairs;
}

Json list_of_at_least(std::size_t least, Json item) {
  return {{"type", "array"}, {"minItems", least}, {"items", std::move(item)}};
}

// "^(number) ?(s|m|h)$"
std::string pattern_of(const std::vector<Unit>& units) {
  std::string names;
  for (const Unit& unit : units)
    names += (&unit == units.data() ? "" : "|") + std::string(unit.name);
  return "^(?=[0-9.]*[1-9])([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)? *(" + names + ")$";
}

std::string dotted(std::string_view section, std::string_view name) {
  return std::string(section).append(".").append(name);
}

// The dotted keys within an object of a section.
std::string pattern_of(std::string_view section, std::string_view name) {
  return std::string("^").append(section).append("\\.").append(name).append("\\.");
}

// What YAML reads as something else need not be quoted where it is of the pattern.
Json text_of_pattern(const std::string& pattern) {
  Json text = {{"type", "string"}, {"pattern", pattern}};
  const std::regex regex(pattern);
  if (!std::regex_search("2024", regex)) return text;
  const char* number = std::regex_search("0.5", regex) ? "number" : "integer";
  Json kinds = Json::array({text, {{"type", number}, {"minimum", 0}}});
  if (std::regex_search("true", regex)) kinds.push_back({{"type", "boolean"}});
  return {{"anyOf", std::move(kinds)}};
}

Json form_of(const KeySpec& key) {
  static const Json text = {{"type", "string"}};
  static const Json scalar = {{"type", {"string", "number", "boolean"}}};
  Json schema;
  switch (key.form) {
    case KeyForm::kParam:
      if (!key.pattern.empty()) return text_of_pattern(key.pattern);
      schema = type_of(key.param);
      add_bounds(schema, key.param);
      if (key.param.required && schema == scalar) schema["minLength"] = 1;
      return schema;
    case KeyForm::kTexts:
      return list_of_at_least(static_cast<std::size_t>(key.param.min.value_or(1)), scalar);
    case KeyForm::kTextOrTexts:
      return {{"anyOf", {text, {{"type", "array"}, {"items", text}}}}};
    case KeyForm::kIntegers:
    case KeyForm::kNumbers:
      schema = {{"type", key.form == KeyForm::kIntegers ? "integer" : "number"}};
      add_bounds(schema, key.param);
      return list_of_at_least(1, schema);
    case KeyForm::kDuration:
      return {{"anyOf",
               {{{"type", "number"}, {"exclusiveMinimum", 0}},
                {{"type", "string"}, {"pattern", pattern_of(units_of(key.form))}}}}};
    case KeyForm::kBytes:
      return {{"type", "string"}, {"pattern", pattern_of(units_of(key.form))}};
    case KeyForm::kGroup:
      return reference(key.group);
    case KeyForm::kGroups:
      return {{"type", "array"}, {"items", reference(key.group)}};
    case KeyForm::kElsewhere:
      return true;
  }
  return true;
}

}  // namespace

Json key_schema(const KeySpec& key) {
  Json any = Json::array({form_of(key)});
  if (!key.words.empty()) {
    Json words = Json::array();
    for (const auto& [word, meaning] : key.words) words.push_back(word);
    any.push_back({{"enum", std::move(words)}});
  }
  if (key.form == KeyForm::kGroup) {
    const KeyGroup& group = key_group(key.group);
    if (!group.shorthand.empty()) any.push_back(key_schema(key_spec(key.group, group.shorthand)));
  }
  return any.size() == 1 ? any[0] : Json{{"anyOf", std::move(any)}};
}

namespace {

Json properties_of(std::string_view group) {
  Json properties = Json::object();
  for (const KeySpec& key : key_group(group).keys) {
    Json schema = or_null(key_schema(key));
    const Value& standard = key.param.default_value;
    if (schema.is_object() && !standard.is_null()) schema["default"] = to_json(standard);
    properties[key.name()] = described(std::move(schema), key.param.help);
  }
  return properties;
}

// A map of a group's keys.
Json group_schema(std::string_view group) {
  Json schema = closed(properties_of(group));
  std::vector<const ParamSpec*> specs;
  Json required = Json::array();
  for (const KeySpec& key : key_group(group).keys) {
    specs.push_back(&key.param);
    if (key.param.required) required.push_back(key.name());
  }
  if (!required.empty()) schema["required"] = std::move(required);
  if (Json pairs = without_excluded(specs); !pairs.empty()) schema["allOf"] = std::move(pairs);
  return schema;
}

// "Rank. In tokens. Required. Default: 16. Of adapter 'lora' (plugin lora 0.1.0)."
std::string help_of(const ParamSpec& spec, const std::string& owner) {
  std::string text = spec.help;
  const auto add = [&](const std::string& sentence) {
    if (!text.empty() && text.back() != '.') text += '.';
    text += (text.empty() ? "" : " ") + sentence;
  };
  if (!spec.unit.empty()) add("In " + spec.unit + ".");
  if (spec.required) add("Required.");
  if (!spec.default_value.is_null()) add("Default: " + to_json(spec.default_value).dump() + ".");
  add("Of " + owner + ".");
  return text;
}

Json value_of(const ParamSpec& spec, const std::string& owner) {
  Json schema = or_null(type_of(spec));
  add_bounds(schema, spec);
  if (!spec.default_value.is_null()) schema["default"] = to_json(spec.default_value);
  schema["description"] = help_of(spec, owner);
  return schema;
}

// The parameters of one section, or of all components of a kind.
struct Params {
  Json properties = Json::object();
  std::vector<std::string> objects;  // maps whose own keys may be given by dotted name
};

void add_param(Params& params, const ParamSpec& spec, const std::string& owner) {
  Json schema = value_of(spec, owner);
  if (spec.type == ParamType::kObject) params.objects.push_back(spec.name);
  if (!params.properties.contains(spec.name)) {
    params.properties[spec.name] = std::move(schema);
    return;
  }
  // Several components have it: any of their types, and what each says of it.
  Json& known = params.properties[spec.name];
  const std::string help = known.at("description").get<std::string>() + "\n" +
                           schema.at("description").get<std::string>();
  const auto bare = [](Json each) {
    each.erase("description");
    each.erase("default");
    return each;
  };
  known = bare(known) == bare(schema) ? bare(known) : Json{{"anyOf", {bare(known), bare(schema)}}};
  known["description"] = help;
}

Json section_schema(const Json& properties, const std::vector<ParamSpec>& specs) {
  Json schema = closed(properties);
  std::vector<const ParamSpec*> all;
  for (const ParamSpec& spec : specs) all.push_back(&spec);
  if (Json pairs = without_excluded(all); !pairs.empty()) schema["allOf"] = std::move(pairs);
  return schema;
}

std::string owner_of(const ComponentDescription& component) {
  return component.kind + " '" + component.name + "' (plugin " + component.plugin + " " +
         component.version + ")";
}

bool is_kind(const std::string& section) {
  return section == "model" || section == "adapter" || section == "task";
}

class SchemaBuilder {
 public:
  explicit SchemaBuilder(const Description& installed)
      : installed_(with_own_sections(installed)), sections_(section_names(installed_)) {}

  Json build() {
    add_groups();
    for (const std::string& section : sections_) add_section(section);
    add_axes();
    definitions_["configuration"] = configuration();
    definitions_["own_program"] = own_program();
    definitions_["stage"] = whole(stage_properties(), "configuration", "own_program");
    definitions_["stage_of_own_program"] = whole(stage_properties(), "own_program", "own_program");
    Json properties = stage_properties();
    properties.update(properties_of("sweep"));
    Json root = whole(properties, "sweep_configuration", "sweep_of_own_program");
    definitions_["sweep_configuration"] = with_stages("configuration", "stage");
    definitions_["sweep_of_own_program"] = with_stages("own_program", "stage_of_own_program");
    root["type"] = "object";
    root["$schema"] = "http://json-schema.org/draft-07/schema#";
    root["title"] = "mvn-runner sweep";
    root["description"] = "A sweep file of mvn-runner " + installed_.sdk + ".";
    root["definitions"] = std::move(definitions_);
    return root;
  }

 private:
  void add_groups() {
    for (const std::string& group : key_groups()) {
      if (group != "sweep" && group != "stage") definitions_[group] = group_schema(group);
    }
    definitions_["axis"]["anyOf"] = {{{"required", {"value"}}},
                                     {{"required", {"values"}}},
                                     {{"required", {"min", "max"}}},
                                     {{"required", {"distribution"}}}};
  }

  // What a component, chosen by `plugin`, takes; where the file does not say which one, what any
  // of its kind takes.
  void add_section(const std::string& section) {
    Params& all = params_[section];
    if (!is_kind(section)) {
      const std::string owner = "section '" + section + "'";
      for (const ParamSpec& spec : installed_.sections.at(section)) add_param(all, spec, owner);
      definitions_[section] = section_schema(all.properties, installed_.sections.at(section));
      if (section == "args") definitions_[section].erase("additionalProperties");
      return;
    }
    const Json plugin = {{"enum", installed_.names(section)},
                         {"description", plugin_help(section)}};
    Json choices = Json::array();
    for (const ComponentDescription& component : installed_.components) {
      if (component.kind != section) continue;
      Params own;
      for (const ParamSpec& spec : component.params) {
        add_param(own, spec, owner_of(component));
        add_param(all, spec, owner_of(component));
      }
      own.properties["plugin"] = plugin;
      choices.push_back(
          {{"if",
            {{"required", {"plugin"}}, {"properties", {{"plugin", {{"const", component.name}}}}}}},
           {"then", section_schema(own.properties, component.params)}});
    }
    all.properties["plugin"] = plugin;
    choices.push_back(
        {{"if", {{"not", {{"required", {"plugin"}}}}}}, {"then", closed(all.properties)}});
    definitions_[section] = {{"type", {"object", "null"}},
                             {"properties", {{"plugin", plugin}}},
                             {"allOf", std::move(choices)}};
  }

  [[nodiscard]] std::string plugin_help(const std::string& kind) const {
    std::string text = "Which " + kind + ":";
    for (const ComponentDescription& each : installed_.components) {
      if (each.kind == kind) text += "\n" + each.name + ": " + each.help;
    }
    return text;
  }

  // The keys of a trial, dotted, each as `shape` makes it of its value's schema.
  template <typename Shape>
  Json assignments(Shape shape) {
    Json result = closed({{"recipe", shape({{"type", {"string", "null"}}})},
                          {"seed", shape({{"type", "integer"}, {"minimum", 0}})}});
    Json patterns = {{"^args\\.", shape(true)}};
    for (const std::string& section : sections_) {
      result["properties"][section] = shape(reference(section));
      for (const auto& [name, value] : params_[section].properties.items()) {
        const std::string key = dotted(section, name);
        definitions_["values"][key] = value;
        result["properties"][key] = shape(reference("values/" + key));
      }
      for (const std::string& name : params_[section].objects) {
        patterns[pattern_of(section, name)] = shape(true);
      }
    }
    result["patternProperties"] = std::move(patterns);
    return result;
  }

  static Json axis(const Json& value) {
    return {{"allOf",
             {reference("axis"),
              {{"properties", {{"value", value}, {"values", list_of_at_least(1, value)}}}}}}};
  }

  // An axis over a map as a whole or, as in W&B, `parameters` with axes over its entries.
  static Json axis_or_nested(const Json& value, const Json& nested) {
    return {{"type", {"object", "null"}},
            {"if", {{"type", "object"}, {"required", {"parameters"}}}},
            {"then", closed({{"parameters", nested}})},
            {"else", axis(value)}};
  }

  Json nested_axes(const std::string& section) {
    Json result = closed(Json::object());
    const Params& params = params_[section];
    const Json open = {{"type", "object"}};
    for (const auto& [name, value] : params.properties.items()) {
      const Json values = reference(std::string("values/").append(dotted(section, name)));
      const bool object = std::count(params.objects.begin(), params.objects.end(), name) > 0;
      result["properties"][name] = object ? axis_or_nested(values, open) : axis(values);
    }
    if (section == "args") result["additionalProperties"] = {{"type", "object"}};
    for (const std::string& name : params.objects) {
      result["patternProperties"]["^" + name + "\\."] = axis(true);
    }
    return result;
  }

  void add_axes() {
    Json parameters = assignments([](const Json& value) { return axis(value); });
    for (const std::string& section : sections_) {
      definitions_["axes"][section] = nested_axes(section);
      parameters["properties"][section] =
          axis_or_nested(reference(section), reference("axes/" + section));
      for (const std::string& name : params_[section].objects) {
        const std::string key = dotted(section, name);
        parameters["properties"][key] =
            axis_or_nested(reference("values/" + key), {{"type", "object"}});
      }
    }
    definitions_["parameters"] = std::move(parameters);
    definitions_["zip"] = assignments([](const Json& value) {
      return Json{{"type", "array"}, {"minItems", 1}, {"items", value}};
    });
    definitions_["trial"] = assignments([](const Json& value) { return value; });
  }

  static Json list_of(const Json& item) { return {{"type", {"array", "null"}}, {"items", item}}; }

  static Json when(const Json& parameters) {
    return list_of(
        {{"allOf", {reference("when"), {{"properties", {{"parameters", parameters}}}}}}});
  }

  // What plugins train: every parameter is one that they declare.
  Json configuration() {
    Json properties = {{"parameters", reference("parameters")},
                       {"zip", list_of(reference("zip"))},
                       {"trials", list_of(reference("trial"))},
                       {"when", when(reference("parameters"))}};
    for (const std::string& section : sections_) properties[section] = reference(section);
    return {{"properties", std::move(properties)}};
  }

  // What a program of the user's trains: its sections hold what it likes.
  Json own_program() {
    std::string keys = "^(recipe$|seed$";
    for (const std::string& section : sections_) keys += "|" + section + "(\\.|$)";
    // At any depth: {values: [...]} is surely meant as an axis.
    definitions_["own_value"] = {
        {"not",
         {{"type", "object"},
          {"anyOf",
           {{{"required", {"distribution"}}},
            {{"required", {"values"}}, {"properties", {{"values", {{"type", "array"}}}}}}}}}},
        {"additionalProperties", reference("own_value")}};
    const Json any = {{"type", {"object", "null"}},
                      {"additionalProperties", reference("own_value")}};
    const auto keyed = [&](const Json& value) {
      return Json{{"type", {"object", "null"}},
                  {"propertyNames", {{"pattern", keys + ")"}}},
                  {"additionalProperties", value}};
    };
    definitions_["own_parameters"] = keyed(axis_or_nested(true, {{"type", "object"}}));
    Json properties = {{"parameters", reference("own_parameters")},
                       {"zip", list_of(keyed({{"type", "array"}, {"minItems", 1}}))},
                       {"trials", list_of(keyed(true))},
                       {"when", when(reference("own_parameters"))}};
    for (const std::string& section : sections_) {
      properties[section] = section == "worker" ? reference(section) : any;
    }
    return {{"properties", std::move(properties)}};
  }

  Json stage_properties() {
    Json properties = properties_of("stage");
    for (const std::string& section : sections_) {
      properties[section] = {{"description", "Parameters of `" + section + "`."}};
    }
    return properties;
  }

  static Json whole(Json properties, const std::string& trained, const std::string& own) {
    Json schema = closed(std::move(properties));
    schema["if"] = {{"type", "object"}, {"required", {"worker"}}};
    schema["then"] = reference(own);
    schema["else"] = reference(trained);
    return schema;
  }

  Json with_stages(const std::string& configuration, const std::string& stage) {
    const Json stages = {{"additionalProperties", reference(stage)}};
    return {{"allOf", {reference(configuration), {{"properties", {{"stages", stages}}}}}}};
  }

  const Description installed_;
  const std::vector<std::string> sections_;
  std::map<std::string, Params> params_;
  Json definitions_ = Json::object();
};

}  // namespace

Json sweep_schema(const Description& installed) { return SchemaBuilder(installed).build(); }

}  // namespace mvn
