// Two samples against each other: how far apart, how sure. Pure functions; NaN where a sample is
// too small for the question. Values are finite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace mvn {

using Sample = std::span<const double>;

inline constexpr double kSignificance = 0.05;
inline constexpr double kPower = 0.8;

double mean_of(Sample values);
// With n - 1; of one value NaN.
double deviation_of(Sample values);

// A difference of means with its 95 % interval and the p of there being none.
struct MeanDifference {
  double estimate = 0;
  double low = 0;
  double high = 0;
  double p = 1;
  double freedom = 0;  // degrees of
};

// Welch, Biometrika 34 (1947): samples of unequal variance.
// scipy.stats.ttest_ind(a, b, equal_var=False) and its confidence_interval().
MeanDifference welch(Sample a, Sample b);

// Student's t of a[i] - b[i]. scipy.stats.ttest_rel(a, b) and its confidence_interval().
MeanDifference paired_difference(Sample a, Sample b);
// The mean of one sample against 0. scipy.stats.ttest_1samp(values, 0).
MeanDifference mean_against_zero(Sample values);

// Pearson's. scipy.stats.pearsonr(a, b).statistic.
double correlation_of(Sample a, Sample b);

// The difference in pooled standard deviations, without the bias of small samples: Hedges, Journal
// of Educational Statistics 6 (1981), the correction exact. In SciPy: (mean(a) - mean(b)) / pooled
// sd * exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / sqrt(df / 2).
double hedges_g(Sample a, Sample b);

// The chance that a value of `a` is above one of `b`, ties counting half.
struct Superiority {
  double probability = 0.5;
  double low = 0;
  double high = 1;
};

// With the interval of Newcombe, Statistics in Medicine 25 (2006) part 2, method 5, which is never
// empty, not even where all values of one are above all of the other. The probability is
// scipy.stats.mannwhitneyu(a, b).statistic / (n m).
Superiority superiority(Sample a, Sample b);

// The chance that a two-sided t test at `significance` sees a difference of `effect` standard
// deviations. Of two samples of n: statsmodels' TTestIndPower().power(effect, n, significance);
// of n pairs, the deviation that of their differences: TTestPower().power(...).
double power_of_two_samples(double effect, int n, double significance = kSignificance);
double power_of_pairs(double effect, int n, double significance = kSignificance);

// The smallest n with a power of 80 %; nothing where that is above kMostSeeds.
inline constexpr int kMostSeeds = 1000;
std::optional<int> needed_each(double effect, double significance = kSignificance);
std::optional<int> needed_pairs(double effect, double significance = kSignificance);

}  // namespace mvn
