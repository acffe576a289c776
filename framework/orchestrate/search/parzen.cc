#include "orchestrate/search/parzen.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace mvn {
namespace {

constexpr std::size_t kRecent = 25;  // points that count in full
constexpr double kNothing = -std::numeric_limits<double>::infinity();

double below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

// The probability of [a, b] under the standard normal; exact in both tails.
double mass(double a, double b) { return a > 0 ? below(-a) - below(-b) : below(b) - below(a); }

std::vector<double> weights_of(std::size_t points) {
  std::vector<double> weights(points + 1, 1.0);  // one more: the prior's
  const auto count = static_cast<double>(points);
  const std::size_t old = points > kRecent ? points - kRecent : 0;
  for (std::size_t i = 0; i < old; ++i) {
    const double part = old == 1 ? 0 : static_cast<double>(i) / static_cast<double>(old - 1);
    weights[i] = 1 / count + (1 - 1 / count) * part;
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

// The index that a uniform number falls on, where each has its share.
std::size_t pick(const std::vector<double>& shares, double u) {
  double below = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) continue;
    last = i;
    below += shares[i];
    if (u < below) return i;
  }
  return last;
}

// The width of each kernel: the farther of its two neighbours; at an end the only one.
std::vector<double> widths_of(const Dimension& dimension, const std::vector<double>& means) {
  std::vector<std::size_t> order(means.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return means[a] < means[b]; });
  // The clip against kernels that are too narrow: many points may crowd in one place.
  const auto kernels = static_cast<double>(means.size() + 1);
  const double least = dimension.spread / std::min(100.0, 1 + kernels);
  std::vector<double> widths(means.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double here = means[order[i]];
    double left = here - (i > 0 ? means[order[i - 1]] : scaled_low(dimension));
    double right = (i + 1 < order.size() ? means[order[i + 1]] : scaled_high(dimension)) - here;
    if (order.size() > 1 && i == 0) left = 0;
    if (order.size() > 1 && i + 1 == order.size()) right = 0;
    widths[order[i]] = std::clamp(std::max(left, right), least, dimension.spread);
  }
  return widths;
}

}  // namespace

double uniform(std::mt19937_64& random) {
  constexpr double kSteps = 9007199254740992.0;  // 2^53
  return (static_cast<double>(random() >> 11U) + 0.5) / kSteps;
}

ParzenEstimator::ParzenEstimator(const std::vector<Dimension>& space,
                                 const std::vector<Point>& points)
    : space_(space), weights_(weights_of(points.size())) {
  for (std::size_t d = 0; d < space.size(); ++d) {
    std::vector<double> values;
    for (const Point& point : points) values.push_back(point[d]);
    kernels_.push_back(space[d].shares.empty() ? normal_kernels(space[d], std::move(values))
                                               : categorical_kernels(space[d], values));
  }
}

ParzenEstimator::Kernels ParzenEstimator::normal_kernels(const Dimension& dimension,
                                                         std::vector<double> means) {
  for (double& mean : means) mean = to_scale(dimension, mean);
  const auto widths = widths_of(dimension, means);
  Kernels kernels;
  for (std::size_t i = 0; i < means.size(); ++i) kernels.normals.push_back({means[i], widths[i]});
  kernels.normals.push_back({dimension.centre, dimension.spread});
  return kernels;
}

ParzenEstimator::Kernels ParzenEstimator::categorical_kernels(const Dimension& dimension,
                                                              const std::vector<double>& values) {
  const auto choices = static_cast<double>(dimension.shares.size());
  const auto count = static_cast<double>(values.size() + 1);
  Kernels kernels;
  for (const double value : values) {
    auto shares = dimension.shares;
    for (double& share : shares) share *= choices / count;
    shares[static_cast<std::size_t>(value)] += 1;
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= sum;
    kernels.shares.push_back(std::move(shares));
  }
  kernels.shares.push_back(dimension.shares);
  return kernels;
}

Point ParzenEstimator::sample(std::mt19937_64& random) const {
  const std::size_t kernel = pick(weights_, uniform(random));
  Point point;
  for (std::size_t d = 0; d < space_.size(); ++d) {
    const Dimension& dimension = space_[d];
    const double u = uniform(random);
    if (!dimension.shares.empty()) {
      point.push_back(static_cast<double>(pick(kernels_[d].shares[kernel], u)));
      continue;
    }
    if (dimension.spread == 0) {
      point.push_back(dimension.low);
      continue;
    }
    const Normal& normal = kernels_[d].normals[kernel];
    const double from = below((scaled_low(dimension) - normal.mean) / normal.width);
    const double to = below((scaled_high(dimension) - normal.mean) / normal.width);
    const double share = std::clamp(from + u * (to - from), 1e-300, 1 - 1e-16);
    const double z = quantile(boost::math::normal_distribution<>(), share);
    const double scaled =
        std::clamp(normal.mean + normal.width * z, scaled_low(dimension), scaled_high(dimension));
    point.push_back(settled(dimension, dimension.log ? std::exp(scaled) : scaled));
  }
  return point;
}

double ParzenEstimator::log_kernel(std::size_t d, std::size_t kernel, double number) const {
  const Dimension& dimension = space_[d];
  if (!dimension.shares.empty()) {
    return std::log(kernels_[d].shares[kernel][static_cast<std::size_t>(number)]);
  }
  if (dimension.spread == 0) return 0;  // a range of one number
  const Normal& normal = kernels_[d].normals[kernel];
  const auto standard = [&](double scaled) { return (scaled - normal.mean) / normal.width; };
  const double whole =
      std::log(mass(standard(scaled_low(dimension)), standard(scaled_high(dimension))));
  if (dimension.q == 0) {
    const double z = standard(to_scale(dimension, number));
    return -z * z / 2 - std::log(normal.width) - whole;
  }
  // Everything that is rounded to this number.
  const auto edge = [&](double side) {
    const double x = std::clamp(number + side * dimension.q / 2, dimension.low, dimension.high);
    return standard(dimension.log ? std::log(std::max(x, 0.0)) : x);
  };
  return std::log(mass(edge(-1), edge(1))) - whole;
}

double ParzenEstimator::log_density(const Point& point) const {
  std::vector<double> terms;
  for (std::size_t kernel = 0; kernel < weights_.size(); ++kernel) {
    double term = std::log(weights_[kernel]);
    for (std::size_t d = 0; d < space_.size(); ++d) term += log_kernel(d, kernel, point[d]);
    terms.push_back(term);
  }
  const double most = *std::max_element(terms.begin(), terms.end());
  if (most == kNothing) return kNothing;
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - most);
  return most + std::log(sum);
}

}  // namespace mvn
