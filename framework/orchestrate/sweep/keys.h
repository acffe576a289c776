// The keys of a sweep file in one table: the reader (key_reader.h) takes what it says, and
// `mvn-runner schema` describes it. A new key is a line there, a member of its struct in rules.h,
// and the line of settings.cc that takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/key_spec.h"

namespace mvn {

struct KeyGroup {
  std::string name;
  std::string example;  // for those who wrote something else than a map
  std::vector<KeySpec> keys;
  std::string shorthand = {};  // the key whose value may stand for the whole map
};

// "sweep" has the keys of the whole file alone, "stage" those that a stage has too; the others are
// of the maps under the key of their name: "metric", "resources", "axis", ... Throws
// std::out_of_range for any other.
const KeyGroup& key_group(std::string_view group);
const KeySpec& key_spec(std::string_view group, std::string_view key);
std::vector<std::string> key_groups();
std::vector<std::string> key_names(std::string_view group);

// "2.5GiB" -> the units after the number, and what they stand for.
struct Unit {
  std::string_view name;
  double factor = 1;
};
const std::vector<Unit>& units_of(KeyForm form);

}  // namespace mvn
