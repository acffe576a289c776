#include "orchestrate/answers/ranks.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
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

double nemenyi_difference(std::size_t arms, std::size_t sets) {
  const auto k = static_cast<double>(arms);
  const boost::math::normal normal;
  // How often the range of so many standard normal values is at most `range`.
  const auto share_within = [&](double range) {
    const auto density = [&](double lowest) {
      const double within =
          boost::math::cdf(normal, lowest + range) - boost::math::cdf(normal, lowest);
      return k * boost::math::pdf(normal, lowest) * std::pow(within, k - 1);
    };
    return boost::math::quadrature::gauss_kronrod<double, 61>::integrate(density, -9.0, 9.0, 10,
                                                                         1e-13);
  };
  const auto excess = [&](double range) { return share_within(range) - (1 - kSignificance); };
  std::uintmax_t most_steps = 100;
  const auto [low, high] = boost::math::tools::toms748_solve(
      excess, 1.0, 20.0, boost::math::tools::eps_tolerance<double>(46), most_steps);
  return (low + high) / 2 / std::sqrt(2.0) *
         std::sqrt(k * (k + 1) / (6 * static_cast<double>(sets)));
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
