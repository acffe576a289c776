#include "orchestrate/store/label.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "common/text.h"

namespace mvn {
namespace {

constexpr const char* kAbsent = "-";  // the value of a trial that has no such key

struct Axis {
  std::string key;
  std::string parameter;            // whose value it is, or lies in
  std::vector<std::string> values;  // by trial, as text
  std::size_t distinct = 0;
  bool textual = true;      // no numbers or truth values among them
  bool structured = false;  // lists among them
  bool partial = false;     // some trials have no such key
};

bool is_plugin(const std::string& key) { return key.ends_with(".plugin"); }

bool is_reference(const Json& value) {
  return value.is_object() && value.size() == 1 && value.contains("trial") &&
         value["trial"].is_string();
}

std::string shown_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  // A reference to another trial: its first digits tell it apart.
  if (is_reference(value)) return "trial:" + short_id(value["trial"].get<std::string>());
  return value.dump();
}

// Of a map, calls `leaf` for each of the values in it, by their dotted keys.
template <typename Leaf>
void each_leaf(const std::string& key, const Json& value, Leaf leaf) {
  if (!value.is_object() || value.empty() || is_reference(value)) return leaf(key, value);
  for (const auto& item : value.items()) {
    each_leaf(std::string(key).append(".").append(item.key()), item.value(), leaf);
  }
}

std::vector<Axis> varying_axes(const std::vector<Json>& parameters) {
  std::map<std::string, Axis> axes;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    // In their order: what is given within a section comes after the section, and counts.
    for (const auto& parameter : parameters[i].items()) {
      each_leaf(parameter.key(), parameter.value(), [&](const std::string& key, const Json& value) {
        Axis& axis = axes[key];
        axis.parameter = parameter.key();
        axis.values.resize(parameters.size(), kAbsent);
        axis.values[i] = shown_text(value);
        if (value.is_number() || value.is_boolean()) axis.textual = false;
        if (value.is_structured() && !is_reference(value)) axis.structured = true;
      });
    }
  }
  std::vector<Axis> varying;
  for (auto& [key, axis] : axes) {
    axis.key = key;
    axis.partial = std::ranges::find(axis.values, kAbsent) != axis.values.end();
    axis.distinct = std::set<std::string>(axis.values.begin(), axis.values.end()).size();
    if (axis.distinct > 1 && key != "seed") varying.push_back(std::move(axis));
  }
  return varying;
}

// Whether the values of `causes` together say what that of `effect` is.
bool determine(const std::vector<const Axis*>& causes, const Axis& effect) {
  std::map<std::vector<std::string>, std::string> effect_of;
  for (std::size_t i = 0; i < effect.values.size(); ++i) {
    std::vector<std::string> values;
    for (const Axis* cause : causes) values.push_back(cause->values[i]);
    const auto [found, is_new] = effect_of.emplace(std::move(values), effect.values[i]);
    if (!is_new && found->second != effect.values[i]) return false;
  }
  return true;
}

// A text, or what some trials do not have, that follows from another text; or a list in a map that
// follows from what else is in it.
bool follows(const Axis& axis, const std::vector<Axis>& kept) {
  std::vector<const Axis*> beside;
  for (const Axis& other : kept) {
    const bool may_follow = (axis.textual || axis.partial) && other.textual;
    if (may_follow && determine({&other}, axis)) return true;
    if (other.parameter == axis.parameter) beside.push_back(&other);
  }
  return axis.structured && !beside.empty() && determine(beside, axis);
}

// Plugins first, lists last, what some trials lack before them, then what has most values; what
// follows from those before is dropped.
std::vector<Axis> telling_axes(std::vector<Axis> axes) {
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) {
    if (is_plugin(a.key) != is_plugin(b.key)) return is_plugin(a.key);
    if (a.structured != b.structured) return b.structured;
    if (a.partial != b.partial) return b.partial;
    return a.distinct > b.distinct;
  });
  std::vector<Axis> kept;
  for (auto& axis : axes) {
    if (!follows(axis, kept)) kept.push_back(std::move(axis));
  }
  return kept;
}

// "model.plugin" is called "model", "optimizer.lr" "lr".
std::string short_name(const std::string& key) {
  const std::string name = is_plugin(key) ? key.substr(0, key.rfind('.')) : key;
  return name.substr(name.rfind('.') + 1);
}

std::vector<std::string> names(const std::vector<Axis>& axes) {
  std::map<std::string, int> uses;
  for (const auto& axis : axes) ++uses[short_name(axis.key)];
  std::vector<std::string> result;
  for (const auto& axis : axes) {
    const std::string name = short_name(axis.key);
    result.push_back(uses[name] == 1 ? name : axis.key);
  }
  return result;
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
  return parts;
}

// How many parts all paths share at their front (or, with reverse iterators, at their end),
// leaving at least one of each.
template <typename Begin>
std::size_t shared_parts(const std::vector<std::vector<std::string>>& paths, std::size_t limit,
                         Begin begin) {
  std::size_t count = 0;
  while (count < limit && std::ranges::all_of(paths, [&](const auto& path) {
           return *(begin(path) + static_cast<std::ptrdiff_t>(count)) ==
                  *(begin(paths.front()) + static_cast<std::ptrdiff_t>(count));
         })) {
    ++count;
  }
  return count;
}

// Where every value is a path, leaves of each the parts that differ.
void shorten_paths(std::vector<std::string>& values) {
  if (!std::ranges::all_of(values, [](const auto& v) { return v.find('/') != v.npos; })) return;
  std::vector<std::vector<std::string>> paths;
  std::size_t shortest = values.front().size();
  for (const auto& value : values) {
    paths.push_back(split_path(value));
    shortest = std::min(shortest, paths.back().size());
  }
  if (shortest == 0) return;
  const auto front =
      shared_parts(paths, shortest - 1, [](const auto& path) { return path.begin(); });
  const auto back =
      shared_parts(paths, shortest - 1 - front, [](const auto& path) { return path.rbegin(); });
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i].clear();
    for (std::size_t j = front; j < paths[i].size() - back; ++j) {
      values[i] += (j == front ? "" : "/") + paths[i][j];
    }
  }
}

}  // namespace

std::vector<std::string> labels(const std::vector<Json>& parameters) {
  std::vector<Axis> axes = telling_axes(varying_axes(parameters));
  for (auto& axis : axes) shorten_paths(axis.values);
  const auto short_names = names(axes);
  std::vector<std::string> result(parameters.size(), axes.empty() ? kNoLabel : "");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (std::size_t trial = 0; trial < result.size(); ++trial) {
      result[trial] += (i == 0 ? "" : " ") + short_names[i] + "=" + axes[i].values[trial];
    }
  }
  return result;
}

std::vector<std::string> label_trials(const SweepPlan& plan) {
  std::map<std::string, std::vector<std::size_t>> by_stage;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    by_stage[plan.trials[i].stage].push_back(i);
  }
  std::vector<std::string> result(plan.trials.size());
  for (const auto& [stage, members] : by_stage) {
    std::vector<Json> parameters;
    for (const std::size_t i : members) {
      const Json& swept = plan.trials[i].parameters;
      parameters.push_back(swept.is_object() ? swept : Json::object());
    }
    const auto stage_labels = labels(parameters);
    for (std::size_t i = 0; i < members.size(); ++i) result[members[i]] = stage_labels[i];
  }
  return result;
}

std::string TrialNames::operator()(const std::string& stage, const std::string& label,
                                   std::int64_t seed) const {
  std::string name = stage;
  const auto add = [&](const std::string& part) { name += (name.empty() ? "" : " ") + part; };
  if (label != kNoLabel) add(label);
  if (seeds) add("seed=" + std::to_string(seed));
  return name.empty() ? sweep : name;
}

}  // namespace mvn
