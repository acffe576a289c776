// How a component declares its parameters, and how it reads their values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mvn/value.h"

namespace mvn {

enum class ParamType {
  kBool,
  kInt,
  kReal,
  kText,
  kPath,        // file or folder; a relative one is taken from the sweep file's folder
  kTextList,    // a list of texts; a single text counts as a list of one
  kTextOrList,  // either, kept apart (PEFT's target_modules: a regular expression or a list)
  kObject,      // a map whose keys the component checks itself
  kPathList,    // a path, or a list of them; each as kPath
  kWeights,     // a path, or a reference to another trial's checkpoint
};

// What the runner uses a parameter for: it knows none by its name.
enum class ParamRole {
  kNone,
  kBatch,       // examples of an optimizer step
  kMicroBatch,  // examples of a forward pass: halved where memory runs out, and the batch stays
  kPasses,      // how long it trains, in passes over the data
  kSteps,       // the same in optimizer steps
  kCourse,      // neither the time of a step nor memory depends on it
};

// One parameter of a component. `mvn-runner plugins` prints these, and a sweep is validated
// against them before anything is launched.
struct ParamSpec {
  std::string name;
  ParamType type = ParamType::kText;
  Value default_value = {};  // null: no default
  std::string help = {};     // one line
  std::string unit = {};     // "tokens", "steps", ...; empty for a pure number
  bool required = false;
  std::vector<std::string> choices = {};  // the only allowed texts, when not empty
  std::optional<double> min = {};         // inclusive bounds for numbers
  std::optional<double> max = {};
  std::optional<double> above = {};  // an exclusive one
  // Others of its section that may not be given beside it. In a layer upon theirs (a sweep upon a
  // recipe, the command line upon a sweep) it takes their place, and they take its.
  std::vector<std::string> excludes = {};
  std::vector<std::string> replaces = {};  // the same, but in one layer all may be given
  ParamRole role = ParamRole::kNone;
};

// "bool", "int", "real", "text", "path", "text_list", "text_or_list", "object", "path_list",
// "weights".
std::string_view to_string(ParamType type);
// The inverse; throws Error for any other name.
ParamType param_type_from(std::string_view name);

// "none", "batch", "micro_batch", "passes", "steps", "course"; the inverse throws Error.
std::string_view to_string(ParamRole role);
ParamRole param_role_from(std::string_view name);

// The values of one component's parameters, validated and with defaults filled in.
class Params {
 public:
  // `section` is the dotted prefix under which the sweep file spells these ("adapter"): errors
  // name the full key. Throws ConfigError for an unknown name (with the nearest known one), a
  // wrong type, a value out of range or not among the choices, two that exclude each other, and a
  // missing required one.
  Params(std::string section, const std::vector<ParamSpec>& specs, const Value::Map& values);

  // True where the parameter has a value (given or by default) that is not null.
  [[nodiscard]] bool has(std::string_view name) const;

  // Each throws Error where the parameter was not declared, and ConfigError where it has no value.
  [[nodiscard]] bool get_bool(std::string_view name) const;
  [[nodiscard]] std::int64_t get_int(std::string_view name) const;
  [[nodiscard]] double get_real(std::string_view name) const;
  [[nodiscard]] std::string get_text(std::string_view name) const;
  [[nodiscard]] std::filesystem::path get_path(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> get_text_list(std::string_view name) const;
  // A single path counts as a list of one.
  [[nodiscard]] std::vector<std::filesystem::path> get_path_list(std::string_view name) const;
  [[nodiscard]] const Value& get(std::string_view name) const;

  // The dotted key of `name` ("adapter.r"), for a ConfigError about its value.
  [[nodiscard]] std::string key(std::string_view name) const;
  [[nodiscard]] const Value::Map& values() const { return values_; }

 private:
  std::string section_;
  Value::Map values_;
};

}  // namespace mvn
