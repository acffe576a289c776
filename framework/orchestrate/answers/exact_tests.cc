#include "orchestrate/answers/exact_tests.h"

#include <algorithm>
#include <bit>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/binomial.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "orchestrate/answers/ranks.h"

namespace mvn {
namespace {

constexpr std::int64_t kDrawn = 20'000;

double two_sided(double as_low, double as_high) {
  return std::min(1.0, 2 * std::min(as_low, as_high));
}

// The sums of all subsets of `values`, by the size of the subset, in ascending order.
std::vector<std::vector<double>> subset_sums(Sample values) {
  std::vector<double> sums(std::size_t{1} << values.size());
  std::vector<std::vector<double>> by_size(values.size() + 1);
  by_size[0].push_back(0);
  for (std::size_t set = 1; set < sums.size(); ++set) {
    sums[set] = sums[set & (set - 1)] + values[static_cast<std::size_t>(std::countr_zero(set))];
    by_size[static_cast<std::size_t>(std::popcount(set))].push_back(sums[set]);
  }
  for (auto& each : by_size) std::ranges::sort(each);
  return by_size;
}

// Pairs of one of `left` and one of `right`, both ascending, whose sum is `bound` or more.
double pairs_from(Sample left, Sample right, double bound) {
  double count = 0;
  std::size_t below = right.size();  // so many of `right` are too small for the one of `left`
  for (const double one : left) {
    while (below > 0 && one + right[below - 1] >= bound) --below;
    count += static_cast<double>(right.size() - below);
  }
  return count;
}

struct Tails {
  double low = 0;
  double high = 0;
};

// How many subsets of so many values sum up to `observed` or less, and to that or more: subsets of
// either half are put together, so that 2^12 take the place of 2^24.
Tails counted_tails(Sample pooled, std::size_t size, double observed, double tolerance) {
  const auto left = subset_sums(pooled.first(pooled.size() / 2));
  const auto right = subset_sums(pooled.subspan(pooled.size() / 2));
  Tails tails;
  for (std::size_t taken = 0; taken < left.size() && taken <= size; ++taken) {
    if (size - taken >= right.size()) continue;
    const auto& one = left[taken];
    const auto& other = right[size - taken];
    tails.high += pairs_from(one, other, observed - tolerance);
    tails.low += static_cast<double>(one.size()) * static_cast<double>(other.size()) -
                 pairs_from(one, other, std::nextafter(observed + tolerance, HUGE_VAL));
  }
  return tails;
}

Tails drawn_tails(std::vector<double> pooled, std::size_t size, double observed, double tolerance) {
  std::mt19937_64 random(20'000);  // NOLINT: the same draws for the same values
  Tails tails;
  for (std::int64_t draw = 0; draw < kDrawn; ++draw) {
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      // The distributions of the standard library differ from one to the next.
      const std::size_t chosen = i + random() % (pooled.size() - i);
      std::swap(pooled[i], pooled[chosen]);
      sum += pooled[i];
    }
    tails.high += sum >= observed - tolerance ? 1 : 0;
    tails.low += sum <= observed + tolerance ? 1 : 0;
  }
  return tails;
}

}  // namespace

ExactTest permutation_test(Sample a, Sample b) {
  std::vector<double> pooled(a.begin(), a.end());
  pooled.insert(pooled.end(), b.begin(), b.end());
  const auto n = static_cast<unsigned>(pooled.size());
  const double arrangements =
      boost::math::binomial_coefficient<double>(n, static_cast<unsigned>(a.size()));
  const double observed = std::accumulate(a.begin(), a.end(), 0.0);
  double magnitude = 0;
  for (const double value : pooled) magnitude += std::abs(value);
  // Sums of the same values in another order differ by less.
  const double tolerance = 1e-13 * magnitude;
  ExactTest test;
  test.least = std::min(1.0, 2 / arrangements);
  if (pooled.size() <= kMostCounted) {
    const auto tails = counted_tails(pooled, a.size(), observed, tolerance);
    test.p = two_sided(tails.low / arrangements, tails.high / arrangements);
    return test;
  }
  const auto tails = drawn_tails(pooled, a.size(), observed, tolerance);
  test.sampled = kDrawn;
  test.p = two_sided((tails.low + 1) / (kDrawn + 1), (tails.high + 1) / (kDrawn + 1));
  return test;
}

double two_sided_by_signs(std::span<const std::size_t> sizes, std::size_t above) {
  const auto total = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  std::vector<double> chance(total + 1);  // of each sum
  chance[0] = 1;
  std::size_t reached = 0;
  for (const std::size_t size : sizes) {
    reached += size;
    for (std::size_t at = reached + 1; at-- > 0;) {
      chance[at] = (chance[at] + (at >= size ? chance[at - size] : 0)) / 2;
    }
  }
  const auto middle = chance.begin() + static_cast<std::ptrdiff_t>(above);
  return two_sided(std::accumulate(chance.begin(), middle + 1, 0.0),
                   std::accumulate(middle, chance.end(), 0.0));
}

SignedRankTest signed_rank_test(Sample differences) {
  std::vector<double> sizes;
  std::vector<bool> above;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    above.push_back(difference > 0);
  }
  SignedRankTest test;
  test.used = static_cast<int>(sizes.size());
  if (sizes.empty()) return test;
  test.least = std::min(1.0, std::ldexp(1.0, 1 - test.used));
  // Ranks that are shared end in a half: doubled, all are whole.
  std::vector<std::size_t> doubled;
  for (const double rank : ranks_of(sizes)) {
    doubled.push_back(static_cast<std::size_t>(std::lround(2 * rank)));
  }
  std::size_t sum = 0;
  for (std::size_t i = 0; i < doubled.size(); ++i) sum += above[i] ? doubled[i] : 0;
  test.sum = static_cast<double>(sum) / 2;
  test.p = two_sided_by_signs(doubled, sum);
  return test;
}

McNemarTest mcnemar_test(std::int64_t only_a, std::int64_t only_b) {
  McNemarTest test;
  const auto n = static_cast<double>(only_a + only_b);
  if (n == 0) return test;
  const auto fewer = static_cast<double>(std::min(only_a, only_b));
  const boost::math::binomial distribution(n, 0.5);
  const double tail = 2 * boost::math::cdf(distribution, fewer);
  test.p = std::min(1.0, tail);
  test.mid_p = tail - boost::math::pdf(distribution, fewer);
  test.least = std::min(1.0, std::exp2(1 - n));
  return test;
}

}  // namespace mvn
