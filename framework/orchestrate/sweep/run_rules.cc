#include "orchestrate/sweep/run_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "common/nearest.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

constexpr int kMostRetries = 1000;

// The entries of the map under `key`, each known; none after a problem.
std::vector<const Entry*> entries_of(const Node& sweep, const std::string& key,
                                     const std::string& example, ProblemList& problems) {
  const Node* map = sweep.get(key);
  if (map == nullptr) return {};
  if (!map->is_map()) {
    problems.add(map->mark,
                 key + ": expected a map such as " + example + ", got " + describe(*map));
    return {};
  }
  const auto known = key_names(key);
  std::vector<const Entry*> entries;
  for (const Entry& entry : map->entries) {
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      problems.add(entry.mark,
                   key + ": unknown key '" + entry.key + "'" + suggest(entry.key, known));
    } else if (!entry.value.is_null()) {
      entries.push_back(&entry);
    }
  }
  return entries;
}

int count(const std::string& key, const Node& node, ProblemList& problems) {
  const auto value = node.is_scalar() ? core_int(node.text) : std::nullopt;
  if (value && *value >= 0 && *value <= kMostRetries) return static_cast<int>(*value);
  problems.add(node.mark, key + ": expected an integer from 0 to " + std::to_string(kMostRetries) +
                              ", got " + describe(node));
  return 0;
}

// 0 for "never".
int same_error(const Node& node, ProblemList& problems) {
  if (node.is_scalar() && node.text == "never") return 0;
  const auto value = node.is_scalar() ? core_int(node.text) : std::nullopt;
  if (value && *value >= 1 && *value <= 1'000'000) return static_cast<int>(*value);
  problems.add(node.mark,
               "retry.same_error: expected a number of configurations, at least 1, or never, got " +
                   describe(node));
  return 0;
}

// "90s", "15m", "2h", "1.5d", or a number of seconds.
double duration(const std::string& key, const Node& node, ProblemList& problems) {
  static const std::map<char, double> units = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  std::string text = node.is_scalar() ? node.text : "";
  double unit = 1;
  if (!text.empty() && units.contains(text.back())) {
    unit = units.at(text.back());
    text.pop_back();
  }
  const auto value = text.empty() ? std::nullopt : core_real(text);
  if (value && std::isfinite(*value) && *value > 0) return *value * unit;
  problems.add(node.mark,
               key + ": expected a duration such as 90s, 15m or 2h, got " + describe(node));
  return 0;
}

}  // namespace

RetryRules read_retry(const Node& sweep, ProblemList& problems) {
  RetryRules rules;
  const std::map<std::string, int*> counts = {
      {"crash", &rules.crash}, {"oom", &rules.oom},         {"node", &rules.node},
      {"hang", &rules.hang},   {"timeout", &rules.timeout}, {"diverged", &rules.diverged}};
  for (const Entry* entry : entries_of(sweep, "retry", "{crash: 2}", problems)) {
    if (entry->key == "same_error") {
      rules.same_error = same_error(entry->value, problems);
    } else {
      *counts.at(entry->key) = count("retry." + entry->key, entry->value, problems);
    }
  }
  return rules;
}

Limits read_limits(const Node& sweep, ProblemList& problems) {
  Limits limits;
  const std::map<std::string, double*> values = {
      {"time", &limits.time}, {"silence", &limits.silence}, {"grace", &limits.grace}};
  for (const Entry* entry : entries_of(sweep, "limits", "{time: 2h}", problems)) {
    *values.at(entry->key) = duration("limits." + entry->key, entry->value, problems);
  }
  return limits;
}

}  // namespace mvn
