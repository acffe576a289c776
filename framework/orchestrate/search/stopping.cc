#include "orchestrate/search/stopping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

namespace mvn {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();
constexpr double kMostIterations = 1e15;

std::string text(double number) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4g", number);
  return buffer.data();
}

std::string count(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

// Curves with the sign that makes lower better, cut to what a rung sees of them.
class Judge {
 public:
  Judge(const StoppingRule& rule, bool maximize, const std::vector<Curve>& curves, std::size_t own)
      : rule_(rule), sign_(maximize ? -1 : 1), curves_(curves), own_(own) {}

  std::optional<StopDecision> asha(std::int64_t rung) const {
    const auto values = at_rung(rung);
    const auto kept = static_cast<std::size_t>(static_cast<double>(values.size()) / rule_.eta);
    if (kept == 0) return std::nullopt;  // not enough peers to tell
    const double value = value_at(curves_[own_], rung);
    const double threshold = values[kept - 1];
    if (value <= threshold) return std::nullopt;
    return decision(
        rung, value, threshold, values.size(),
        "not among the best " + std::to_string(kept) + " of " + count(values.size(), "trial"));
  }

  std::optional<StopDecision> hyperband(std::int64_t rung) const {
    const auto values = at_rung(rung);
    const auto place = static_cast<std::size_t>(static_cast<double>(values.size()) / rule_.eta);
    const double threshold = values[std::min(place, values.size() - 1)];
    const double value =
        rule_.strict ? value_at(curves_[own_], rung) : best(curves_[own_], length(curves_[own_]));
    if (value <= threshold) return std::nullopt;
    return decision(rung, value, threshold, values.size(),
                    std::string(rule_.strict ? "" : "its best value is ") +
                        "not among the best 1 in " + text(rule_.eta) + " of " +
                        count(values.size(), "trial"));
  }

  std::optional<StopDecision> median(std::int64_t iteration) const {
    std::vector<double> means;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      if (i == own_ || !curves_[i].done || length(curves_[i]) < iteration) continue;
      double sum = 0;
      for (std::int64_t n = 1; n <= iteration; ++n) sum += value_at(curves_[i], n);
      means.push_back(sum / static_cast<double>(iteration));
    }
    if (means.empty() || static_cast<std::int64_t>(means.size()) < rule_.startup_trials) {
      return std::nullopt;
    }
    std::sort(means.begin(), means.end());
    const std::size_t half = means.size() / 2;
    const double threshold =
        means.size() % 2 == 1 ? means[half] : (means[half - 1] + means[half]) / 2;
    const double value = best(curves_[own_], iteration);
    if (value <= threshold) return std::nullopt;
    return decision(
        iteration, value, threshold, means.size(),
        "its best value is worse than the median of the means of " + count(means.size(), "trial"));
  }

 private:
  static std::int64_t length(const Curve& curve) {
    return static_cast<std::int64_t>(curve.values.size());
  }
  [[nodiscard]] double value_at(const Curve& curve, std::int64_t iteration) const {
    const double value = sign_ * curve.values[static_cast<std::size_t>(iteration - 1)];
    return std::isnan(value) ? kWorst : value;
  }
  [[nodiscard]] double best(const Curve& curve, std::int64_t until) const {
    double best = kWorst;
    for (std::int64_t n = 1; n <= until; ++n) best = std::min(best, value_at(curve, n));
    return best;
  }
  // Of all that reached it, the best first.
  [[nodiscard]] std::vector<double> at_rung(std::int64_t rung) const {
    std::vector<double> values;
    for (const Curve& curve : curves_) {
      if (length(curve) >= rung) values.push_back(value_at(curve, rung));
    }
    std::sort(values.begin(), values.end());
    return values;
  }
  [[nodiscard]] StopDecision decision(std::int64_t iteration, double value, double threshold,
                                      std::size_t peers, const std::string& why) const {
    return {iteration, sign_ * value, sign_ * threshold, peers,
            "stopped at iteration " + std::to_string(iteration) + " with " + text(sign_ * value) +
                ": " + why + " (" + text(sign_ * threshold) + ")"};
  }

  const StoppingRule& rule_;
  double sign_;
  const std::vector<Curve>& curves_;
  std::size_t own_;
};

}  // namespace

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

std::optional<StopDecision> judge(const StoppingRule& rule, bool maximize,
                                  const std::vector<Curve>& curves, std::size_t own,
                                  std::int64_t seen) {
  const Judge judge(rule, maximize, curves, own);
  const auto reached = static_cast<std::int64_t>(curves[own].values.size());
  if (reached <= seen || rule.rungs.empty()) return std::nullopt;
  if (rule.type == StoppingRule::Type::kMedian) {
    for (std::int64_t n = std::max(seen + 1, rule.rungs.front()); n <= reached; ++n) {
      if (auto decision = judge.median(n)) return decision;
    }
    return std::nullopt;
  }
  if (rule.type == StoppingRule::Type::kHyperband) {
    const auto above = std::upper_bound(rule.rungs.begin(), rule.rungs.end(), reached);
    return above == rule.rungs.begin() ? std::nullopt : judge.hyperband(*std::prev(above));
  }
  for (const std::int64_t rung : rule.rungs) {
    if (rung <= seen) continue;
    if (rung > reached) break;
    if (auto decision = judge.asha(rung)) return decision;
  }
  return std::nullopt;
}

}  // namespace mvn
