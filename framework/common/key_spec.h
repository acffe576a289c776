// How the keys of a file that people write are declared: what a parameter's declaration says, and
// the forms in which people write what a parameter has no type for.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mvn/params.h"

namespace mvn {

enum class KeyForm {
  kParam,        // as the type of its ParamSpec says
  kTexts,        // a list of texts, `min` or at least one
  kTextOrTexts,  // a text that YAML reads as one, or a list of such
  kIntegers,     // a list of integers within the bounds, at least one
  kNumbers,      // the same of numbers
  kDuration,     // 90s, 15m, 2h, 1.5d or a number of seconds; read as seconds
  kBytes,        // 12GiB, 800 MB; read as bytes
  kGroup,        // a map whose keys are declared under the name of `group`
  kGroups,       // a list of such
  kElsewhere,    // what trials are made of: read by whoever knows the plugins
};

struct KeySpec {
  ParamSpec param;
  KeyForm form = KeyForm::kParam;
  // Texts that it takes besides, "auto" or "never", and what they are read as; null: themselves.
  std::vector<std::pair<std::string, Value>> words = {};
  std::string pattern = {};  // of a text; ECMAScript's regular expressions
  std::string wanted = {};   // in messages, where the type alone does not say it
  std::string group = {};

  [[nodiscard]] const std::string& name() const { return param.name; }
};

// The common ones.
inline KeySpec key_of(KeyForm form, std::string name, std::string help, std::string group = {}) {
  return {.param = {.name = std::move(name), .help = std::move(help)},
          .form = form,
          .group = std::move(group)};
}
inline KeySpec text_key(std::string name, std::string help) {
  return key_of(KeyForm::kParam, std::move(name), std::move(help));
}
inline KeySpec choice_key(std::string name, std::string help, std::vector<std::string> choices) {
  KeySpec key = text_key(std::move(name), std::move(help));
  key.param.choices = std::move(choices);
  return key;
}
inline KeySpec whole_key(std::string name, std::string help, double min,
                         std::optional<double> max = 1e9) {
  KeySpec key = text_key(std::move(name), std::move(help));
  key.param.type = ParamType::kInt;
  key.param.min = min;
  key.param.max = max;
  return key;
}
inline KeySpec number_key(std::string name, std::string help, std::optional<double> above = {}) {
  KeySpec key = text_key(std::move(name), std::move(help));
  key.param.type = ParamType::kReal;
  key.param.above = above;
  return key;
}
inline KeySpec with_default(KeySpec key, Value value) {
  key.param.default_value = std::move(value);
  return key;
}
inline KeySpec required(KeySpec key) {
  key.param.required = true;
  return key;
}
inline KeySpec excluding(KeySpec key, std::vector<std::string> others) {
  key.param.excludes = std::move(others);
  return key;
}

}  // namespace mvn
