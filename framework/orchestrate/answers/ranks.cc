#include "orchestrate/answers/ranks.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <numeric>

namespace mvn {
namespace {

std::vector<std::size_t> ascending(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  return order;
}

double tail_of_chi_squared(double statistic, double freedom) {
  if (statistic <= 0) return 1;
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(freedom), statistic));
}

}  // namespace

std::vector<double> ranks_of(Sample values) {
  const auto order = ascending(values);
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    // Differences of equal means may come out unequal in the last digit.
    const double bound = values[order[first]] + 1e-12 * std::abs(values[order[first]]);
    while (end < order.size() && values[order[end]] <= bound) ++end;
    const double shared = static_cast<double>(first + 1 + end) / 2;
    for (; first < end; ++first) ranks[order[first]] = shared;
  }
  return ranks;
}

FriedmanTest friedman_test(std::span<const std::vector<double>> sets) {
  const auto n = static_cast<double>(sets.size());
  const auto k = static_cast<double>(sets.front().size());
  FriedmanTest test;
  test.mean_ranks.assign(sets.front().size(), 0);
  double squares = 0;  // of all ranks
  for (const auto& set : sets) {
    const auto ranks = ranks_of(set);
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      test.mean_ranks[i] += ranks[i];
      squares += ranks[i] * ranks[i];
    }
  }
  for (double& rank : test.mean_ranks) rank /= n;
  // Between the arms over what there is within the sets, which ties lessen.
  const double within = squares - n * k * (k + 1) * (k + 1) / 4;
  double between = 0;
  for (const double rank : test.mean_ranks) {
    between += (rank - (k + 1) / 2) * (rank - (k + 1) / 2);
  }
  if (within > 0) test.statistic = (k - 1) * n * n * between / within;
  test.p = tail_of_chi_squared(test.statistic, k - 1);
  test.least = tail_of_chi_squared(n * (k - 1), k - 1);
  return test;
}

std::vector<double> holm(std::span<const double> p) {
  const auto order = ascending(p);
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double times = static_cast<double>(p.size() - i);
    largest = std::max(largest, std::min(1.0, times * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace mvn
