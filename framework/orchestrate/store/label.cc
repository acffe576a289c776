#include "orchestrate/store/label.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace mvn {
namespace {

struct Axis {
  std::string key;
  std::vector<std::string> values;  // by trial, as text; JSON null where the trial has none
  std::size_t distinct = 0;
  bool textual = true;  // no numbers or truth values among them
};

bool is_plugin(const std::string& key) { return key.ends_with(".plugin"); }

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  // A reference to another trial: its first digits tell it apart.
  if (value.is_object() && value.size() == 1 && value.contains("trial") &&
      value["trial"].is_string()) {
    return "trial:" + value["trial"].get<std::string>().substr(0, 12);
  }
  return value.is_null() ? "-" : value.dump();
}

std::vector<Axis> varying_axes(const std::vector<Json>& parameters) {
  std::map<std::string, Axis> axes;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    for (const auto& [key, value] : parameters[i].items()) {
      Axis& axis = axes[key];
      axis.values.resize(parameters.size(), "-");
      axis.values[i] = text_of(value);
      if (value.is_number() || value.is_boolean()) axis.textual = false;
    }
  }
  std::vector<Axis> varying;
  for (auto& [key, axis] : axes) {
    axis.key = key;
    axis.distinct = std::set<std::string>(axis.values.begin(), axis.values.end()).size();
    if (axis.distinct > 1 && key != "seed") varying.push_back(std::move(axis));
  }
  return varying;
}

bool determines(const Axis& cause, const Axis& effect) {
  std::map<std::string, std::string> effect_of;
  for (std::size_t i = 0; i < cause.values.size(); ++i) {
    const auto [found, is_new] = effect_of.emplace(cause.values[i], effect.values[i]);
    if (!is_new && found->second != effect.values[i]) return false;
  }
  return true;
}

// Plugins first, then what has most values; texts that follow from those before are dropped.
std::vector<Axis> telling_axes(std::vector<Axis> axes) {
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) {
    if (is_plugin(a.key) != is_plugin(b.key)) return is_plugin(a.key);
    return a.distinct > b.distinct;
  });
  std::vector<Axis> kept;
  for (auto& axis : axes) {
    const bool follows = axis.textual && std::ranges::any_of(kept, [&](const Axis& other) {
                           return other.textual && determines(other, axis);
                         });
    if (!follows) kept.push_back(std::move(axis));
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
  std::vector<std::string> result(parameters.size(), axes.empty() ? "-" : "");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (std::size_t trial = 0; trial < result.size(); ++trial) {
      result[trial] += (i == 0 ? "" : " ") + short_names[i] + "=" + axes[i].values[trial];
    }
  }
  return result;
}

}  // namespace mvn
