#include "orchestrate/answers/two_samples.h"

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace mvn {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double count_of(Sample values) { return static_cast<double>(values.size()); }

double variance_of(Sample values) {
  if (values.size() < 2) return kNone;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / (count_of(values) - 1);
}

// Of an estimate with a standard error that Student's t describes.
MeanDifference by_students_t(double estimate, double error, double freedom) {
  if (std::isnan(error)) return {estimate, kNone, kNone, kNone, freedom};
  if (error == 0) return {estimate, estimate, estimate, estimate == 0 ? 1.0 : 0.0, freedom};
  const boost::math::students_t distribution(freedom);
  const double half =
      boost::math::quantile(boost::math::complement(distribution, kSignificance / 2)) * error;
  const double tail =
      boost::math::cdf(boost::math::complement(distribution, std::abs(estimate / error)));
  return {estimate, estimate - half, estimate + half, 2 * tail, freedom};
}

std::vector<double> differences(Sample a, Sample b) {
  std::vector<double> result;
  for (std::size_t i = 0; i < a.size(); ++i) result.push_back(a[i] - b[i]);
  return result;
}

// Newcombe's variance of the estimate where the probability is `p`.
double variance_of_superiority(double p, double n, double m) {
  const double others = (n + m) / 2 - 1;
  return p * (1 - p) * (1 + others * ((1 - p) / (2 - p) + p / (1 + p))) / (n * m);
}

// The p between `inside`, where `estimate` is within its error, and `outside`, where it is not.
double bound_of(double estimate, double inside, double outside, double n, double m) {
  const double z =
      boost::math::quantile(boost::math::complement(boost::math::normal(), kSignificance / 2));
  for (int i = 0; i < 100; ++i) {
    const double middle = (inside + outside) / 2;
    const bool within =
        std::abs(estimate - middle) <= z * std::sqrt(variance_of_superiority(middle, n, m));
    (within ? inside : outside) = middle;
  }
  return (inside + outside) / 2;
}

// Long doubles would take four times as long for digits that nobody needs.
using Quick = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

double power_of_t(double noncentrality, double freedom, double significance) {
  constexpr double kCertain = 30;  // beyond, the distribution's series takes long to say 1
  if (std::isnan(noncentrality)) return 0;
  if (noncentrality > kCertain) return 1;
  const double bound = boost::math::quantile(boost::math::complement(
      boost::math::students_t_distribution<double, Quick>(freedom), significance / 2));
  const boost::math::non_central_t_distribution<double, Quick> distribution(freedom, noncentrality);
  return boost::math::cdf(boost::math::complement(distribution, bound)) +
         boost::math::cdf(distribution, -bound);
}

// The smallest n that has the power, which grows with n.
template <typename Power>
std::optional<int> smallest(Power power) {
  if (!(power(kMostSeeds) >= kPower)) return {};
  int below = 1;
  int enough = kMostSeeds;
  while (enough - below > 1) {
    const int middle = (below + enough) / 2;
    (power(middle) >= kPower ? enough : below) = middle;
  }
  return enough;
}

}  // namespace

double mean_of(Sample values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / count_of(values);
}

double deviation_of(Sample values) { return std::sqrt(variance_of(values)); }

MeanDifference welch(Sample a, Sample b) {
  const double estimate = mean_of(a) - mean_of(b);
  const double part_a = variance_of(a) / count_of(a);
  const double part_b = variance_of(b) / count_of(b);
  const double squared = part_a + part_b;
  double freedom = count_of(a) + count_of(b) - 2;
  if (squared > 0) {
    freedom = squared * squared /
              (part_a * part_a / (count_of(a) - 1) + part_b * part_b / (count_of(b) - 1));
  }
  return by_students_t(estimate, std::sqrt(squared), freedom);
}

MeanDifference mean_against_zero(Sample values) {
  return by_students_t(mean_of(values), std::sqrt(variance_of(values) / count_of(values)),
                       count_of(values) - 1);
}

MeanDifference paired_difference(Sample a, Sample b) {
  return mean_against_zero(differences(a, b));
}

double correlation_of(Sample a, Sample b) {
  const double mean_a = mean_of(a);
  const double mean_b = mean_of(b);
  double product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += (a[i] - mean_a) * (b[i] - mean_b);
  return product / (count_of(a) - 1) / (deviation_of(a) * deviation_of(b));
}

double hedges_g(Sample a, Sample b) {
  const double freedom = count_of(a) + count_of(b) - 2;
  if (freedom < 2) return kNone;
  const double pooled =
      ((count_of(a) - 1) * variance_of(a) + (count_of(b) - 1) * variance_of(b)) / freedom;
  const double correction =
      boost::math::tgamma_delta_ratio((freedom - 1) / 2, 0.5);  // gamma(x) / gamma(x + 1/2)
  return (mean_of(a) - mean_of(b)) / std::sqrt(pooled) / correction / std::sqrt(freedom / 2);
}

Superiority superiority(Sample a, Sample b) {
  double wins = 0;
  for (const double one : a) {
    for (const double other : b) wins += one > other ? 1 : one == other ? 0.5 : 0;
  }
  const double n = count_of(a);
  const double m = count_of(b);
  const double p = wins / (n * m);
  // At the ends the error is 0: just within, it is not.
  constexpr double kEdge = 1e-12;
  return {p, p == 0 ? 0 : bound_of(p, std::min(p, 1 - kEdge), 0, n, m),
          p == 1 ? 1 : bound_of(p, std::max(p, kEdge), 1, n, m)};
}

double power_of_two_samples(double effect, int n, double significance) {
  return power_of_t(std::abs(effect) * std::sqrt(n / 2.0), 2.0 * n - 2, significance);
}

double power_of_pairs(double effect, int n, double significance) {
  return power_of_t(std::abs(effect) * std::sqrt(n), n - 1.0, significance);
}

std::optional<int> needed_each(double effect, double significance) {
  return smallest([&](int n) { return power_of_two_samples(effect, n, significance); });
}

std::optional<int> needed_pairs(double effect, double significance) {
  return smallest([&](int n) { return power_of_pairs(effect, n, significance); });
}

}  // namespace mvn
