// The keys of a sweep file in one table: the reader refuses what is not in it, and
// `mvn-runner schema` describes what is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mvn {

struct Key {
  std::string_view name;
  std::string_view help;    // what it is for, and its default
  std::string_view schema;  // of its value, JSON Schema; what it refers to is in json_schema.cc
};

// Groups: "sweep" for keys of the whole file alone, "stage" for those that a stage has too, and for
// the keys of a map the map's own name: "metric", "resources", "axis", ... Throws
// std::out_of_range for any other.
const std::vector<Key>& keys_of(std::string_view group);
std::vector<std::string> key_groups();
std::vector<std::string> key_names(std::string_view group);
// The texts that a key takes, from its schema's `enum`; none where it takes others too.
std::vector<std::string> choices_of(std::string_view group, std::string_view key);

}  // namespace mvn
