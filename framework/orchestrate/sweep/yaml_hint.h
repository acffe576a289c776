// What is meant where a file is no YAML: the slips of everyday, by the lines around the place where
// the parser gave up.
#pragma once

#include <string>
#include <string_view>

namespace mvn {

struct YamlHint {
  int line = 0;    // from 1: where the slip is, at or before the parser's place
  int column = 0;  // from 1, in characters
  std::string message;
};

// `message` is the parser's own, at `line` and `column` (from 1, in bytes); the hint says it in
// other words, or repeats it.
YamlHint yaml_hint(const std::string& text, int line, int column, const std::string& message);

// "values:" of "values:[1, 2]", a text that was to be a key and its value; "" for any other.
std::string key_without_space(std::string_view text);

}  // namespace mvn
