#include "orchestrate/sweep/node.h"

#include <algorithm>
#include <cmath>

#include "orchestrate/sweep/scalar.h"

namespace mvn {

Location Mark::location() const {
  if (!source) return {};
  return {source->file, line, column, source->argument};
}

const Entry* Node::find(std::string_view key) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

Entry* Node::find(std::string_view key) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

const Node* Node::get(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr || entry->value.is_null() ? nullptr : &entry->value;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
}

Node scalar_node(std::string text, const Mark& mark) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  node.mark = mark;
  return node;
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kScalar:
      return "'" + node.text + "'";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kNull:
      break;
  }
  return "nothing";
}

bool looks_like_axis(const Node& node) {
  const Node* values = node.get("values");
  return (values != nullptr && values->is_list()) || node.get("distribution") != nullptr ||
         (node.get("min") != nullptr && node.get("max") != nullptr);
}

void merge(Node& base, const Node& over) {
  if (!base.is_map() || !over.is_map()) {
    base = over;
    return;
  }
  for (const Entry& entry : over.entries) {
    if (Entry* mine = base.find(entry.key)) {
      mine->mark = entry.mark;
      merge(mine->value, entry.value);
    } else {
      base.entries.push_back(entry);
    }
  }
}

void set_at(Node& root, const std::vector<std::string>& path, const Mark& key, const Node& value) {
  Node* node = &root;
  for (const std::string& name : path) {
    if (!node->is_map()) {
      *node = Node();
      node->kind = Node::Kind::kMap;
      node->mark = key;
    }
    Entry* entry = node->find(name);
    if (entry == nullptr) {
      node->entries.push_back({name, key, Node()});
      entry = &node->entries.back();
    }
    if (&name == &path.back()) entry->mark = key;
    node = &entry->value;
  }
  *node = value;
}

std::vector<std::string> split_dotted(std::string_view dotted) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const std::size_t dot = dotted.find('.', start);
    parts.emplace_back(dotted.substr(start, dot - start));
    if (dot == std::string_view::npos) return parts;
    start = dot + 1;
  }
}

bool is_prefix(const std::vector<std::string>& prefix, const std::vector<std::string>& path) {
  return prefix.size() <= path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

namespace {

Json scalar_json(const Node& node) {
  if (node.quoted) return node.text;
  if (const auto flag = core_bool(node.text)) return *flag;
  if (const auto whole = core_int(node.text)) return *whole;
  if (const auto real = core_real(node.text); real && std::isfinite(*real)) return *real;
  return node.text;
}

}  // namespace

Json to_core_json(const Node& node) {
  if (node.is_scalar()) return scalar_json(node);
  if (node.is_list()) {
    Json list = Json::array();
    for (const Node& item : node.items) list.push_back(to_core_json(item));
    return list;
  }
  if (node.is_map()) {
    Json map = Json::object();
    for (const Entry& entry : node.entries) map[entry.key] = to_core_json(entry.value);
    return map;
  }
  return nullptr;
}

}  // namespace mvn
