#include "minimize.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "line_search.h"

namespace mvn {
namespace {

double scalar_product(const torch::Tensor& a, const torch::Tensor& b) {
  return at::dot(a, b).item<double>();
}

double steepest(const torch::Tensor& slope) { return slope.abs().max().item<double>(); }

// What the last steps say of the curvature.
class History {
 public:
  explicit History(std::size_t most) : most_(most) {}

  [[nodiscard]] bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }
  void add(torch::Tensor step, torch::Tensor change, double product) {
    scale_ = product / scalar_product(change, change);
    pairs_.push_back({std::move(step), std::move(change), product});
    if (pairs_.size() > most_) pairs_.pop_front();
  }
  // Where to go from a point of this slope.
  [[nodiscard]] torch::Tensor direction(const torch::Tensor& slope) const {
    auto result = slope.neg();
    std::vector<double> taken;
    for (const auto& pair : std::views::reverse(pairs_)) {
      taken.push_back(scalar_product(pair.step, result) / pair.product);
      result.sub_(pair.change, taken.back());
    }
    if (!pairs_.empty()) result.mul_(scale_);
    for (const auto& pair : pairs_) {
      result.add_(pair.step, taken.back() - scalar_product(pair.change, result) / pair.product);
      taken.pop_back();
    }
    return result;
  }

 private:
  struct Pair {
    torch::Tensor step;
    torch::Tensor change;  // of the slope
    double product;        // of the two
  };
  std::deque<Pair> pairs_;
  double scale_ = 1;
  std::size_t most_;
};

struct Found {
  double step = 0;
  torch::Tensor at;
  ValueAndSlope now;
};

}  // namespace

torch::Tensor minimize(torch::Tensor start_N,
                       const std::function<ValueAndSlope(const torch::Tensor&)>& function,
                       const MinimizeRules& rules) {
  auto at = std::move(start_N);
  auto now = function(at);
  History history(rules.history);
  // The best along a line; nothing where it does not lead down.
  const auto search = [&](const torch::Tensor& direction, double first) -> std::optional<Found> {
    const double slope = scalar_product(now.slope_N, direction);
    if (slope >= 0) return std::nullopt;
    LineSearch line(now.value, slope, first);
    for (int tried = 0; tried < rules.tries; ++tried) {
      const double step = line.step();
      Found found{step, at.add(direction, step), {}};
      found.now = function(found.at);
      if (line.take(found.now.value, scalar_product(found.now.slope_N, direction))) return found;
    }
    return std::nullopt;
  };
  for (int step = 0; step < rules.steps && steepest(now.slope_N) > rules.slope;) {
    const auto direction = history.direction(now.slope_N);
    const double first = step == 0 ? std::min(1 / std::sqrt(scalar_product(direction, direction)),
                                              LineSearch::kLongest)
                                   : 1;
    auto found = search(direction, first);
    if (!found && history.empty()) break;
    if (!found) {
      history.clear();
      continue;
    }
    ++step;
    const auto before = std::exchange(now, std::move(found->now));
    at = std::move(found->at);
    const double size = std::max({std::abs(before.value), std::abs(now.value), 1.0});
    if (before.value - now.value <= rules.decrease * size) break;
    const double slope_before = scalar_product(before.slope_N, direction);
    const double product = (scalar_product(now.slope_N, direction) - slope_before) * found->step;
    const double least = std::numeric_limits<double>::epsilon() * -slope_before * found->step;
    if (product <= least) continue;
    history.add(direction.mul(found->step), now.slope_N.sub(before.slope_N), product);
  }
  return at;
}

}  // namespace mvn
