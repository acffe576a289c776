#include "orchestrate/sweep/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "common/utf8.h"
#include "orchestrate/sweep/yaml_hint.h"

namespace mvn {
namespace {

// Aliases copy what they name; nested ones would let a small file fill the memory.
constexpr std::size_t kMaxNodes = 1'000'000;

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Entry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

// Turns yaml-cpp's places (from 0, columns in bytes) into ours (from 1, in characters).
class Marks {
 public:
  Marks(std::string_view text, std::shared_ptr<const Source> source)
      : text_(text), source_(std::move(source)) {}

  [[nodiscard]] Mark at(const YAML::Mark& place) const {
    if (place.is_null()) return {source_, 0, 0};
    const auto end = std::min(static_cast<std::size_t>(place.pos), text_.size());
    const auto bytes = std::min(static_cast<std::size_t>(place.column), end);
    int column = 1;
    for (const char c : text_.substr(end - bytes, bytes)) {
      if (!continues_utf8(c)) ++column;
    }
    if (!source_->command_line()) return {source_, place.line + 1, column};
    // Of a value of several lines, only its start has a place in the argument.
    return {source_, 0, source_->value_at + (place.line == 0 ? column : 1)};
  }

 private:
  std::string_view text_;
  std::shared_ptr<const Source> source_;
};

constexpr std::string_view kTag = "tag:yaml.org,2002:";

// Lays what merge keys name under the map's own entries; of several, the first wins.
void merge_under(Node& map, const std::vector<Node>& named) {
  Node merged;
  merged.kind = Node::Kind::kMap;
  merged.mark = map.mark;
  for (auto each = named.rbegin(); each != named.rend(); ++each) {
    for (const Entry& entry : each->entries) {
      if (Entry* known = merged.find(entry.key)) {
        *known = entry;
      } else {
        merged.entries.push_back(entry);
      }
    }
  }
  for (Entry& entry : map.entries) {
    if (Entry* known = merged.find(entry.key)) {
      *known = std::move(entry);
    } else {
      merged.entries.push_back(std::move(entry));
    }
  }
  map = std::move(merged);
}

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const Marks& marks, YamlDialect dialect, ProblemList& problems)
      : marks_(marks), python_(dialect == YamlDialect::kPython), problems_(problems) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(Node::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Node& named = anchors_[anchor];
    nodes_ += count_nodes(named);
    if (nodes_ > kMaxNodes) throw YAML::ParserException(mark, "aliases make this file too large");
    Node copy = named;
    add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(Node::Kind::kScalar, mark);
    node.text = value;
    node.quoted = tag == "!" || tag == std::string(kTag) + "str";
    if (!node.quoted && !(python_ && resolve_tag(node, tag))) refuse_tag(node.mark, tag);
    add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kList, mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(Node::Kind::kMap, mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    Node key;
    std::unordered_map<std::string, Mark> seen;
    std::vector<Node> merged;  // what merge keys name
  };

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    ++nodes_;
    Node node;
    node.kind = kind;
    node.mark = marks_.at(mark);
    return node;
  }

  // False where it is no tag of a scalar's type.
  static bool resolve_tag(Node& node, const std::string& tag) {
    if (!tag.starts_with(kTag)) return false;
    const std::string type = tag.substr(kTag.size());
    if (type == "null") {
      node.kind = Node::Kind::kNull;
      node.text.clear();
    }
    const bool whole = node.text.find_first_of(".eE:") == std::string::npos;
    if (type == "float" && whole) node.text += ".0";
    return type == "null" || type == "float" || type == "int" || type == "bool";
  }

  void refuse_tag(const Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.add(mark, "tags ('" + tag + "') are not supported: types come from the parameters");
    }
  }

  void open(Node node, const std::string& tag, YAML::anchor_t anchor) {
    const bool plain = tag == std::string(kTag) + (node.is_map() ? "map" : "seq");
    if (!(python_ && plain)) refuse_tag(node.mark, tag);
    Frame frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.merged.empty()) merge_under(frame.node, frame.merged);
    add(std::move(frame.node), frame.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (Frame& top = frames_.back(); top.node.is_list()) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      top.key = std::move(node);
      top.has_key = true;
    } else {
      top.has_key = false;
      add_entry(top, std::move(node));
    }
  }

  void add_entry(Frame& frame, Node value) {
    const Node& key = frame.key;
    if (!key.is_scalar()) {
      problems_.add(key.mark, "a key must be a text, not " + describe(key));
      return;
    }
    if (key.text == "<<" && !key.quoted) {
      merge_key(frame, std::move(value));
      return;
    }
    const auto [first, fresh] = frame.seen.emplace(key.text, key.mark);
    if (!fresh) {
      problems_.add(key.mark, "duplicate key '" + key.text + "' (first on line " +
                                  std::to_string(first->second.line) + ")");
      return;
    }
    // yaml-cpp places an empty value at whatever comes next.
    if (value.is_null()) value.mark = key.mark;
    if (const auto stuck = key_without_space(key.text);
        value.is_null() && !key.quoted && !stuck.empty()) {
      problems_.add(key.mark, "'" + key.text + "': a space is missing after '" + stuck + "'");
      return;
    }
    frame.node.entries.push_back({key.text, key.mark, std::move(value)});
  }

  void merge_key(Frame& frame, Node value) {
    const auto is_map = [](const Node& node) { return node.is_map(); };
    const bool several = value.is_list() && std::ranges::all_of(value.items, is_map);
    if (!python_) {
      problems_.add(frame.key.mark, "merge keys ('<<') are not supported; use `extends`");
    } else if (several) {
      frame.merged.insert(frame.merged.end(), value.items.begin(), value.items.end());
    } else if (value.is_map()) {
      frame.merged.push_back(std::move(value));
    } else {
      problems_.add(frame.key.mark, "<<: expected a map or a list of maps, got " + describe(value));
    }
  }

  const Marks& marks_;
  const bool python_;
  ProblemList& problems_;
  Node root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
};

}  // namespace

Node read_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
               ProblemList& problems, YamlDialect dialect) {
  const Marks marks(text, source);
  Node empty;
  empty.mark = {source, 0, 0};
  if (const std::size_t at = valid_utf8_prefix(text); at != text.size()) {
    const auto line = 1 + static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
    const bool has_lines = !source->command_line();
    problems.add({source, has_lines ? line : 0, has_lines ? 1 : 0}, "not valid UTF-8");
    return empty;
  }
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    TreeBuilder builder(marks, dialect, problems);
    if (!parser.HandleNextDocument(builder)) return empty;
    TreeBuilder rest(marks, dialect, problems);
    if (parser.HandleNextDocument(rest)) {
      problems.add(rest.take().mark, "a second YAML document: a file holds one");
    }
    return builder.take();
  } catch (const YAML::Exception& e) {
    const auto hint = yaml_hint(text, e.mark.line + 1, e.mark.column + 1, e.msg);
    const bool placed = !e.mark.is_null() && !source->command_line();
    problems.add(placed ? Mark{source, hint.line, hint.column} : marks.at(e.mark),
                 "not valid YAML: " + hint.message);
    return empty;
  }
}

}  // namespace mvn
