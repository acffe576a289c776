// Reads maps of the sweep file by the table of its keys.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/json.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// The value of one key of one node, which problems call `label`: durations in seconds, sizes in
// bytes, words as what they stand for. nullopt after a problem.
std::optional<Json> read_key(const std::string& label, const KeySpec& key, const Node& node,
                             ProblemList& problems);

// Problems for the keys of `map` that are not among `known`; `what` begins them, "retry: ".
// False where there are any.
bool refuse_unknown(const std::string& what, const Node& map, const std::vector<std::string>& known,
                    ProblemList& problems);

// A map of a group's keys. Everything is checked at once: that it is a map, that it has no other
// keys, what its values are, what is missing, and what excludes each other.
class MapReader {
 public:
  // `map` is nullptr where the file has none: then nothing is given. Problems call it `label`, by
  // default as the group.
  MapReader(std::string_view group, const Node* map, ProblemList& problems,
            const std::string& label = {});

  [[nodiscard]] bool given() const { return map_ != nullptr; }
  [[nodiscard]] bool sound() const { return sound_; }
  // Sets `target` where the key has a value; Target is what its form is read as.
  template <typename Target>
  const MapReader& take(std::string_view key, Target& target) const {
    const auto found = values_.find(key);
    if (found != values_.end()) target = found->second.get<Target>();
    return *this;
  }
  template <typename Target>
  const MapReader& take(std::string_view key, std::optional<Target>& target) const {
    const auto found = values_.find(key);
    if (found != values_.end()) target = found->second.get<Target>();
    return *this;
  }
  // As it was written, or nullptr.
  [[nodiscard]] const Node* node(std::string_view key) const;
  // Where a given key is written.
  [[nodiscard]] const Mark& key_mark(std::string_view key) const { return map_->find(key)->mark; }
  // All that have a value.
  [[nodiscard]] Json values() const;

 private:
  void read(const Node& node, const KeySpec& key, const std::string& label);
  void fail(const Mark& mark, const std::string& message);
  [[nodiscard]] bool misspelt(const std::string& key) const;
  void check_together(const KeyGroup& group);

  const Node* map_;
  ProblemList& problems_;
  std::string label_;
  std::map<std::string, Json, std::less<>> values_;
  bool sound_ = true;
};

}  // namespace mvn
