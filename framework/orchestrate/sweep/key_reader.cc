#include "orchestrate/sweep/key_reader.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include "mvn/nearest.h"
#include "orchestrate/sweep/coerce.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

// "90s", "12 GiB"; what is too large for an integer of bytes is none.
std::optional<Json> with_unit(const KeySpec& key, const std::string& text) {
  const auto end = text.find_last_of("0123456789.");
  if (end == text.npos) return std::nullopt;
  const auto start = text.find_first_not_of(' ', end + 1);
  const auto number = core_real(text.substr(0, end + 1));
  const std::string name = start == text.npos ? "" : text.substr(start);
  const auto& units = units_of(key.form);
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end() || !number || !std::isfinite(*number) || *number <= 0) {
    return std::nullopt;
  }
  const double value = *number * unit->factor;
  if (key.form == KeyForm::kDuration) return value;
  return value > 9e18 ? std::nullopt : std::optional<Json>(static_cast<std::int64_t>(value));
}

// Where the pattern takes "1000" but not "1e3", a number is read as the first.
std::optional<std::string> text_of_pattern(const std::string& pattern, const Node& node) {
  const std::regex regex(pattern);
  if (std::regex_search(node.text, regex)) return node.text;
  const Json value = to_core_json(node);
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > 1e15) return std::nullopt;
  const auto text = std::to_string(static_cast<std::int64_t>(number));
  return std::regex_search(text, regex) ? std::optional(text) : std::nullopt;
}

std::string no_map(const std::string& label, const KeyGroup& group, const Node& node) {
  return label + ": expected a map such as " + group.example + ", got " + describe(node);
}

class KeyValue {
 public:
  KeyValue(const std::string& label, const KeySpec& key, const Node& node, ProblemList& problems)
      : label_(label), key_(key), node_(node), problems_(problems) {}

  std::optional<Json> read() {
    for (const auto& [word, meaning] : key_.words) {
      if (!node_.is_scalar() || node_.text != word) continue;
      return meaning.is_null() ? Json(word) : to_json(meaning);
    }
    switch (key_.form) {
      case KeyForm::kParam:
        return plain();
      case KeyForm::kTexts:
        return texts();
      case KeyForm::kTextOrTexts:
        return node_.is_scalar() ? text_of(node_) : list("a text or a list of texts");
      case KeyForm::kIntegers:
        return list("a list of integers", ParamType::kInt);
      case KeyForm::kNumbers:
        return list("a list of numbers", ParamType::kReal);
      case KeyForm::kDuration:
      case KeyForm::kBytes: {
        auto value = node_.is_scalar() ? with_unit(key_, node_.text) : std::nullopt;
        return value ? value : wrong("");
      }
      case KeyForm::kGroup:
        return group();
      case KeyForm::kGroups:
        return groups();
      case KeyForm::kElsewhere:
        return true;
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t wrong(const std::string& wanted) {
    std::vector<std::string> words;
    for (const auto& [word, meaning] : key_.words) words.push_back(word);
    const auto nearest = node_.is_scalar() ? nearest_name(node_.text, words) : std::string();
    problems_.add(node_.mark, label_ + ": expected " +
                                  (key_.wanted.empty() ? wanted : key_.wanted) + ", got " +
                                  describe(node_) +
                                  (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    return std::nullopt;
  }

  std::optional<Json> plain() {
    const bool empty = key_.param.required && node_.is_scalar() && node_.text.empty();
    if (empty) return wrong("a text");
    if (!key_.pattern.empty()) {
      const auto text = node_.is_scalar() ? text_of_pattern(key_.pattern, node_) : std::nullopt;
      return text ? std::optional<Json>(*text) : wrong("");
    }
    ProblemList unsaid;  // `wanted` says it better
    ProblemList& said = key_.wanted.empty() ? problems_ : unsaid;
    auto value = coerce(label_, key_.param, node_, "", {{}, {}, &said});
    return value || key_.wanted.empty() ? value : wrong("");
  }

  std::optional<Json> texts() {
    const auto least = static_cast<std::size_t>(key_.param.min.value_or(1));
    const bool good = node_.is_list() && node_.items.size() >= least &&
                      std::ranges::all_of(node_.items, &Node::is_scalar);
    if (!good) return wrong("a list of texts");
    Json list = Json::array();
    for (const Node& item : node_.items) list.push_back(item.text);
    return list;
  }

  // What YAML reads as something else is no text: `exclude: 3`.
  std::optional<Json> text_of(const Node& node) {
    if (node.is_scalar() && to_core_json(node).is_string()) return Json(node.text);
    return wrong("a text");
  }

  std::optional<Json> list(const std::string& wanted) {
    if (!node_.is_list()) return wrong(wanted);
    Json list = Json::array();
    for (const Node& item : node_.items) {
      const auto text = text_of(item);
      if (!text) return std::nullopt;
      list.push_back(*text);
    }
    return list;
  }

  std::optional<Json> list(const std::string& wanted, ParamType type) {
    if (!node_.is_list() || node_.items.empty()) return wrong(wanted);
    KeySpec each{.param = key_.param};
    each.param.type = type;
    Json list = Json::array();
    for (const Node& item : node_.items) {
      list.push_back(read_key(label_, each, item, problems_).value_or(nullptr));
    }
    const bool good = std::ranges::none_of(list, &Json::is_null);
    return good ? std::optional(list) : std::nullopt;
  }

  std::optional<Json> groups() {
    if (!node_.is_list()) return wrong("a list of maps");
    bool good = true;
    for (const Node& item : node_.items) {
      if (item.is_map()) continue;
      problems_.add(item.mark, no_map(label_, key_group(key_.group), item));
      good = false;
    }
    return good ? std::optional(Json::array()) : std::nullopt;
  }

  // What is in it is read by a MapReader.
  std::optional<Json> group() {
    const std::string& shorthand = key_group(key_.group).shorthand;
    if (node_.is_scalar() && !shorthand.empty()) {
      return read_key(label_, key_spec(key_.group, shorthand), node_, problems_);
    }
    if (node_.is_map()) return Json::object();
    problems_.add(node_.mark, no_map(label_, key_group(key_.group), node_));
    return std::nullopt;
  }

  const std::string& label_;
  const KeySpec& key_;
  const Node& node_;
  ProblemList& problems_;
};

// ": which they are" or ": what it is for".
std::string what_is_missing(const ParamSpec& param) {
  std::string choices;
  for (const std::string& choice : param.choices) {
    choices += (choices.empty() ? "" : " or ") + choice;
  }
  return param.choices.empty() ? param.help : choices;
}

}  // namespace

std::optional<Json> read_key(const std::string& label, const KeySpec& key, const Node& node,
                             ProblemList& problems) {
  return KeyValue(label, key, node, problems).read();
}

bool refuse_unknown(const std::string& what, const Node& map, const std::vector<std::string>& known,
                    ProblemList& problems) {
  bool good = true;
  for (const Entry& entry : map.entries) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    problems.add(entry.mark, what + "unknown key '" + entry.key + "'" + suggest(entry.key, known));
    good = false;
  }
  return good;
}

MapReader::MapReader(std::string_view group, const Node* map, ProblemList& problems,
                     const std::string& label)
    : map_(map), problems_(problems), label_(label.empty() ? std::string(group) : label) {
  if (map_ == nullptr) return;
  const KeyGroup& own = key_group(group);
  if (map_->is_scalar() && !own.shorthand.empty()) {
    read(*map_, key_spec(group, own.shorthand), label_);
  } else if (!map_->is_map()) {
    fail(map_->mark, no_map(label_, own, *map_));
  } else {
    sound_ = refuse_unknown(label_ + ": ", *map_, key_names(group), problems_);
    for (const KeySpec& key : own.keys) {
      if (const Node* value = map_->get(key.name())) read(*value, key, label_ + "." + key.name());
    }
    check_together(own);
  }
}

void MapReader::fail(const Mark& mark, const std::string& message) {
  problems_.add(mark, message);
  sound_ = false;
}

void MapReader::read(const Node& node, const KeySpec& key, const std::string& label) {
  auto value = read_key(label, key, node, problems_);
  if (!value) sound_ = false;
  if (value) values_[key.name()] = std::move(*value);
}

// Whether an unknown key, which is a problem already, is meant as this one.
bool MapReader::misspelt(const std::string& key) const {
  return std::ranges::any_of(map_->entries, [&](const Entry& entry) {
    return entry.key != key && nearest_name(entry.key, std::vector{key}) == key;
  });
}

void MapReader::check_together(const KeyGroup& group) {
  for (const KeySpec& key : group.keys) {
    const std::string label = label_ + "." + key.name();
    if (key.param.required && map_->get(key.name()) == nullptr && !misspelt(key.name())) {
      fail(map_->mark, label + ": is required: " + what_is_missing(key.param));
    }
    for (const std::string& other : key.param.excludes) {
      if (map_->get(key.name()) == nullptr || map_->get(other) == nullptr) continue;
      fail(map_->find(key.name())->mark, std::string(label)
                                                 .append(": give either this or ")
                                                 .append(label_)
                                                 .append(".")
                                                 .append(other) +
                                             ", not both");
    }
  }
}

const Node* MapReader::node(std::string_view key) const {
  return map_ == nullptr ? nullptr : map_->get(key);
}

Json MapReader::values() const {
  Json values = Json::object();
  for (const auto& [key, value] : values_) values[key] = value;
  return values;
}

}  // namespace mvn
