// A YAML document as a tree that remembers where everything was written and keeps the file's order.
// Scalars stay texts: what they mean is decided by the schema that declares them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "orchestrate/sweep/location.h"

namespace mvn {

// Where a tree was read from.
struct Source {
  std::filesystem::path file;    // as errors name it
  std::filesystem::path folder;  // absolute: what relative paths written there start from
  std::string argument = {};     // "a.b=c" where it is one of the command line's
  int value_at = 0;              // characters before the value of such an argument
  [[nodiscard]] bool command_line() const { return !argument.empty(); }
};

// A place in a source; line and column count from 1 (columns in characters), 0 where there is none:
// an argument of the command line has no lines.
struct Mark {
  std::shared_ptr<const Source> source;
  int line = 0;
  int column = 0;
  [[nodiscard]] Location location() const;
};

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Mark mark;
  std::string text;            // of a scalar
  bool quoted = false;         // a quoted scalar is a text, whatever it looks like
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the file's order

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
  // The entry of a map, or nullptr (also where this is no map).
  [[nodiscard]] const Entry* find(std::string_view key) const;
  [[nodiscard]] Entry* find(std::string_view key);
  // The value of an entry, or nullptr where there is none or it is null: null removes a key.
  [[nodiscard]] const Node* get(std::string_view key) const;
  void erase(std::string_view key);
};

struct Entry {
  std::string key;
  Mark mark;  // of the key
  Node value;
};

Node scalar_node(std::string text, const Mark& mark);

// "what it is" for messages: "'text'", "a list", "a map", "nothing".
std::string describe(const Node& node);

// Whether it is a map of an axis's words: {values: [...]}, {min: 1, max: 2}, {distribution: ...}.
bool looks_like_axis(const Node& node);

// Maps merge entry by entry, everything else (lists too) is replaced.
void merge(Node& base, const Node& over);

// Sets the entry at `path`, making maps on the way; what stood in the way is replaced.
void set_at(Node& root, const std::vector<std::string>& path, const Mark& key, const Node& value);

std::vector<std::string> split_dotted(std::string_view dotted);
bool is_prefix(const std::vector<std::string>& prefix, const std::vector<std::string>& path);

// The tree with every scalar typed by the rules of YAML 1.2's core schema.
Json to_core_json(const Node& node);

}  // namespace mvn
