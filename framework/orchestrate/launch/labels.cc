#include "orchestrate/launch/labels.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

namespace mvn {
namespace {

using Row = std::map<std::string, std::string>;  // key -> value as shown

bool is_path(const Json& value) {
  return value.is_string() && value.get<std::string>().find('/') != std::string::npos;
}

// What a label rather does without.
bool is_unwieldy(const Json& value) { return is_path(value) || value.is_structured(); }

std::string shown(const Json& value) {
  if (value.is_number_float()) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.6g", value.get<double>());
    return text.data();
  }
  if (is_path(value)) {
    const std::filesystem::path path = value.get<std::string>();
    return (path.has_filename() ? path : path.parent_path()).filename().string();
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// A stage's trials and the keys that tell them apart.
struct Stage {
  std::vector<std::size_t> trials;
  std::vector<Row> rows;
  std::vector<std::string> keys;
};

std::size_t distinct(const Stage& stage, const std::vector<std::string>& keys) {
  std::set<std::vector<std::string>> seen;
  for (const auto& row : stage.rows) {
    std::vector<std::string> values;
    for (const auto& key : keys) values.push_back(row.contains(key) ? row.at(key) : "");
    seen.insert(values);
  }
  return seen.size();
}

// Drops keys that add nothing: unwieldy ones first, then what varies in step with another key.
void drop_redundant(Stage& stage, const std::set<std::string>& unwieldy) {
  const auto all = distinct(stage, stage.keys);
  auto candidates = stage.keys;
  std::stable_partition(candidates.begin(), candidates.end(),
                        [&](const auto& key) { return unwieldy.contains(key); });
  for (const auto& key : candidates) {
    auto without = stage.keys;
    std::erase(without, key);
    if (distinct(stage, without) == all) stage.keys = without;
  }
}

std::string short_key(const std::string& key, const std::vector<std::string>& keys) {
  const auto last = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  const auto alike = std::count_if(keys.begin(), keys.end(),
                                   [&](const auto& other) { return last(other) == last(key); });
  return alike > 1 ? key : last(key);
}

std::map<std::string, Stage> by_stage(const SweepPlan& plan, std::set<std::string>& unwieldy) {
  std::map<std::string, Stage> stages;
  for (std::size_t i = 0; i < plan.trials.size(); ++i) {
    const auto& trial = plan.trials[i];
    auto& stage = stages[trial.stage];
    stage.trials.push_back(i);
    Row row;
    const Json parameters = trial.parameters;
    for (const auto& [key, value] : parameters.items()) {
      if (is_unwieldy(value)) unwieldy.insert(key);
      row[key] = shown(value);
    }
    row["seed"] = std::to_string(trial.seed);
    for (const auto& [key, value] : row) {
      if (std::find(stage.keys.begin(), stage.keys.end(), key) == stage.keys.end()) {
        stage.keys.push_back(key);
      }
    }
    stage.rows.push_back(std::move(row));
  }
  return stages;
}

}  // namespace

std::vector<std::string> trial_labels(const SweepPlan& plan) {
  std::vector<std::string> labels(plan.trials.size());
  std::set<std::string> unwieldy;
  for (auto& [name, stage] : by_stage(plan, unwieldy)) {
    drop_redundant(stage, unwieldy);
    // The seed comes last, as in the file.
    std::stable_partition(stage.keys.begin(), stage.keys.end(),
                          [](const auto& key) { return key != "seed"; });
    for (std::size_t i = 0; i < stage.trials.size(); ++i) {
      std::string label = name;
      for (const auto& key : stage.keys) {
        if (!stage.rows[i].contains(key)) continue;
        if (!label.empty()) label += ' ';
        label += short_key(key, stage.keys) + "=" + stage.rows[i].at(key);
      }
      labels[stage.trials[i]] = label.empty() ? plan.name : label;
    }
  }
  return labels;
}

std::string path_text(const std::filesystem::path& path) {
  const auto relative = path.lexically_relative(std::filesystem::current_path());
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string shortened(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  const std::size_t keep = width > 3 ? width - 3 : 0;
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (starts && count++ == keep) break;
  }
  return text.substr(0, end) + std::string("...").substr(0, std::min<std::size_t>(3, width));
}

}  // namespace mvn
