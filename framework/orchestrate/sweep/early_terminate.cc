#include "orchestrate/sweep/early_terminate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/nearest.h"
#include "orchestrate/sweep/keys.h"
#include "orchestrate/sweep/scalar.h"

namespace mvn {
namespace {

using Type = StoppingRule::Type;

constexpr std::int64_t kMost = 1'000'000'000;

const std::map<std::string, Type>& types() {
  static const std::map<std::string, Type> all = {
      {"asha", Type::kAsha}, {"hyperband", Type::kHyperband}, {"median", Type::kMedian}};
  return all;
}

// The keys that a type takes besides `type`.
const std::set<std::string>& keys_of_type(Type type) {
  static const std::map<Type, std::set<std::string>> all = {
      {Type::kAsha, {"min_iter", "eta"}},
      {Type::kHyperband, {"min_iter", "max_iter", "s", "eta", "strict"}},
      {Type::kMedian, {"min_iter", "startup_trials"}}};
  return all.at(type);
}

class RuleReader {
 public:
  RuleReader(const Node& map, ProblemList& problems) : map_(map), problems_(problems) {}

  std::optional<StoppingRule> read() {
    const std::size_t before = problems_.size();
    const Node* type = read_type();
    if (type == nullptr) return std::nullopt;
    StoppingRule rule;
    rule.type = types().at(type->text);
    check_keys(*type);
    rule.written["type"] = type->text;
    if (rule.type != Type::kMedian) rule.written["eta"] = rule.eta = eta();
    read_rungs(rule);
    if (rule.type == Type::kHyperband) rule.written["strict"] = rule.strict = strict();
    if (rule.type == Type::kMedian) {
      rule.written["startup_trials"] = rule.startup_trials = whole("startup_trials").value_or(5);
    }
    return problems_.size() == before ? std::optional(rule) : std::nullopt;
  }

 private:
  void fail(const Mark& mark, const std::string& message) {
    problems_.add(mark, "early_terminate: " + message);
  }

  const Node* read_type() {
    const Node* type = map_.is_map() ? map_.get("type") : nullptr;
    if (type == nullptr) {
      fail(map_.mark, "write {type: asha, min_iter: 3}; types are asha, hyperband and median");
      return nullptr;
    }
    if (type->is_scalar() && types().contains(type->text)) return type;
    fail(type->mark, "unknown type " + describe(*type) +
                         suggest(type->text, choices_of("early_terminate", "type")));
    return nullptr;
  }

  void check_keys(const Node& type) {
    const auto known = key_names("early_terminate");
    const auto& own = keys_of_type(types().at(type.text));
    for (const Entry& entry : map_.entries) {
      if (entry.key == "type" || own.contains(entry.key)) continue;
      const bool elsewhere = std::find(known.begin(), known.end(), entry.key) != known.end();
      fail(entry.mark, elsewhere ? "type " + type.text + " has no '" + entry.key + "'" +
                                       suggest("", own_names(own))
                                 : "unknown key '" + entry.key + "'" + suggest(entry.key, known));
    }
  }

  static std::vector<std::string> own_names(const std::set<std::string>& own) {
    return {own.begin(), own.end()};
  }

  std::optional<std::int64_t> whole(const char* key) {
    const Node* node = map_.get(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->is_scalar() ? core_int(node->text) : std::nullopt;
    if (value && *value >= 1 && *value <= kMost) return value;
    fail(node->mark,
         std::string(key) + ": expected an integer of at least 1, got " + describe(*node));
    return std::nullopt;
  }

  double eta() {
    const Node* node = map_.get("eta");
    if (node == nullptr) return 3;
    const auto value = node->is_scalar() ? core_real(node->text) : std::nullopt;
    if (value && std::isfinite(*value) && *value > 1) return *value;
    fail(node->mark, "eta: expected a number above 1, got " + describe(*node));
    return 3;
  }

  // As W&B does since 2024 where a sweep does not say.
  bool strict() {
    const Node* node = map_.get("strict");
    if (node == nullptr) return true;
    const auto value = node->is_scalar() ? core_bool(node->text) : std::nullopt;
    if (!value) fail(node->mark, "strict: expected true or false, got " + describe(*node));
    return value.value_or(true);
  }

  void read_rungs(StoppingRule& rule) {
    const std::size_t before = problems_.size();
    const auto min_iter = whole("min_iter");
    const auto max_iter = whole("max_iter");
    const auto s = whole("s");
    if (problems_.size() != before) return;  // what is missing is there, but wrong
    if (rule.type == Type::kMedian) {
      rule.rungs = {min_iter.value_or(1)};
      rule.written["min_iter"] = rule.rungs.front();
    } else if (min_iter && !max_iter && !s) {
      rule.rungs = rungs_from(*min_iter, rule.eta);
      rule.written["min_iter"] = *min_iter;
    } else if (rule.type == Type::kHyperband && max_iter && s && !min_iter) {
      rule.rungs = rungs_below(*max_iter, rule.eta, *s);
      rule.written["max_iter"] = *max_iter;
      rule.written["s"] = *s;
      if (rule.rungs.empty()) fail(map_.mark, "no rung is left: max_iter / eta is below 1");
    } else {
      fail(map_.mark, rule.type == Type::kAsha
                          ? "asha needs `min_iter`"
                          : "hyperband needs `min_iter`, or `max_iter` and `s`");
    }
  }

  const Node& map_;
  ProblemList& problems_;
};

double hours(const Node& cap, const char* key, ProblemList& problems) {
  const Node* node = cap.get(key);
  if (node == nullptr) return 0;
  const auto value = node->is_scalar() ? core_real(node->text) : std::nullopt;
  if (value && std::isfinite(*value) && *value > 0) return *value;
  problems.add(node->mark, std::string("run_cap: ") + key + ": expected a number above 0, got " +
                               describe(*node));
  return 0;
}

std::optional<std::int64_t> trials(const std::string& key, const Node& node,
                                   ProblemList& problems) {
  const auto value = node.is_scalar() ? core_int(node.text) : std::nullopt;
  if (value && *value >= 1 && *value <= kMost) return value;
  problems.add(node.mark, key + ": expected an integer of at least 1, got " + describe(node));
  return std::nullopt;
}

}  // namespace

std::optional<StoppingRule> read_early_terminate(const Node& stage, ProblemList& problems) {
  const Node* map = stage.get("early_terminate");
  return map == nullptr ? std::nullopt : RuleReader(*map, problems).read();
}

RunCap read_run_cap(const Node& sweep, ProblemList& problems) {
  RunCap result;
  const Node* cap = sweep.get("run_cap");
  if (cap == nullptr) return result;
  if (!cap->is_map()) {
    result.trials = trials("run_cap", *cap, problems);
    return result;
  }
  const auto known = key_names("run_cap");
  for (const Entry& entry : cap->entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    problems.add(entry.mark,
                 "run_cap: unknown key '" + entry.key + "'" + suggest(entry.key, known));
  }
  if (const Node* node = cap->get("trials")) {
    result.trials = trials("run_cap: trials", *node, problems);
  }
  result.hours = hours(*cap, "hours", problems);
  result.gpu_hours = hours(*cap, "gpu_hours", problems);
  return result;
}

}  // namespace mvn
