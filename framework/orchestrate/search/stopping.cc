#include "orchestrate/search/stopping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "common/text.h"
#include "orchestrate/search/stop_methods.h"

namespace mvn {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();
constexpr double kMostIterations = 1e15;

}  // namespace

const std::vector<StopMethod>& stop_methods() {
  static const std::vector<StopMethod> methods = {asha(), hyperband(), median()};
  return methods;
}

const StopMethod* stop_method(std::string_view name) {
  const auto found = std::ranges::find(stop_methods(), name, &StopMethod::name);
  return found == stop_methods().end() ? nullptr : &*found;
}

StoppingRule stopping_rule(const StopMethod& method, Json keys) {
  for (const KeySpec& key : method.keys) {
    const Value& standard = key.param.default_value;
    if (!keys.contains(key.name()) && !standard.is_null()) keys[key.name()] = to_json(standard);
  }
  keys["type"] = method.name;
  return {&method, method.rungs(keys), keys};
}

std::optional<StopDecision> judge(const StoppingRule& rule, bool maximize,
                                  const std::vector<Curve>& curves, std::size_t own,
                                  std::int64_t seen) {
  const Peers peers(maximize, curves, own);
  if (peers.reached() <= seen || rule.rungs.empty()) return std::nullopt;
  return rule.method->judge(rule, peers, seen);
}

double Peers::value_at(const Curve& curve, std::int64_t iteration) const {
  const double value = sign_ * curve.values[static_cast<std::size_t>(iteration - 1)];
  return std::isnan(value) ? kWorst : value;
}

double Peers::best(std::int64_t until) const {
  double best = kWorst;
  for (std::int64_t n = 1; n <= until; ++n) best = std::min(best, value_at(n));
  return best;
}

std::vector<double> Peers::at(std::int64_t iteration) const {
  std::vector<double> values;
  for (const Curve& curve : curves_) {
    if (length(curve) >= iteration) values.push_back(value_at(curve, iteration));
  }
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<double> Peers::means_of_done(std::int64_t until) const {
  std::vector<double> means;
  for (std::size_t i = 0; i < curves_.size(); ++i) {
    if (i == own_ || !curves_[i].done || length(curves_[i]) < until) continue;
    double sum = 0;
    for (std::int64_t n = 1; n <= until; ++n) sum += value_at(curves_[i], n);
    means.push_back(sum / static_cast<double>(until));
  }
  std::sort(means.begin(), means.end());
  return means;
}

StopDecision Peers::decision(std::int64_t iteration, double value, double threshold,
                             std::size_t peers, const std::string& why) const {
  return {iteration, sign_ * value, sign_ * threshold, peers,
          "stopped at iteration " + std::to_string(iteration) + " with " +
              stop_number(sign_ * value) + ": " + why + " (" + stop_number(sign_ * threshold) +
              ")"};
}

std::vector<std::int64_t> rungs_from(std::int64_t min_iter, double eta) {
  std::vector<std::int64_t> rungs;
  for (double rung = static_cast<double>(min_iter); rung < kMostIterations; rung *= eta) {
    const auto whole = static_cast<std::int64_t>(rung);
    if (rungs.empty() || whole > rungs.back()) rungs.push_back(whole);
  }
  return rungs;
}

std::vector<std::int64_t> rungs_below(std::int64_t max_iter, double eta, std::int64_t s) {
  std::vector<std::int64_t> rungs;
  double rung = static_cast<double>(max_iter);
  for (std::int64_t i = 0; i < s && rung / eta >= 1; ++i) {
    rung /= eta;
    const auto whole = static_cast<std::int64_t>(rung);
    if (rungs.empty() || whole < rungs.back()) rungs.push_back(whole);
  }
  std::reverse(rungs.begin(), rungs.end());
  return rungs;
}

KeySpec first_rung_key() {
  return whole_key("min_iter",
                   "The first rung, as a number of recorded values of the metric: rungs are at "
                   "min_iter, min_iter * eta, and so on.",
                   1);
}

KeySpec eta_key() {
  return with_default(number_key("eta", "1 in so many trials go on at a rung; 3 by default.", 1),
                      3.0);
}

std::string trials_text(std::size_t number) { return plural(number, "trial"); }

std::string stop_number(double number) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4g", number);
  return buffer.data();
}

}  // namespace mvn
