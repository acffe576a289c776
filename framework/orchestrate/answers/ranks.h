// Answers about several things at once: ranks, Friedman's test over data sets, and what is left of
// several p values when they are asked together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "orchestrate/answers/two_samples.h"

namespace mvn {

// From 1 for the smallest; equal values share the mean of theirs. scipy.stats.rankdata(values).
std::vector<double> ranks_of(Sample values);

// Whether any of several arms on the same data sets differ: Friedman, JASA 32 (1937), by its chi
// squared distribution. scipy.stats.friedmanchisquare(*arms).
struct FriedmanTest {
  double statistic = 0;
  double p = 1;
  double least = 1;                // with so many sets and arms
  std::vector<double> mean_ranks;  // by arm, 1 for the smallest values
};
// sets[i][j] is the value of arm j on set i; two sets and three arms at least.
FriedmanTest friedman_test(std::span<const std::vector<double>> sets);

// How far apart two mean ranks have to be, among so many arms (two and more) on so many data sets,
// to differ with a significance of 0.05: Nemenyi's test as in Demsar, JMLR 7 (2006).
// scipy.stats.studentized_range.ppf(0.95, arms, inf) / sqrt(2) * sqrt(arms (arms + 1) / (6 sets))
double nemenyi_difference(std::size_t arms, std::size_t sets);

// Each p as it counts among all of them: Holm, Scandinavian Journal of Statistics 6 (1979).
// statsmodels' multipletests(p, method='holm')[1].
std::vector<double> holm(std::span<const double> p);

}  // namespace mvn
