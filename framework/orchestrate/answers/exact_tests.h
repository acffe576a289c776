// Tests that count arrangements and assume no distribution. All are two-sided. With few values the
// smallest p that one can give is large: `least`, above 0.05, says that it cannot answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "orchestrate/answers/two_samples.h"

namespace mvn {

struct ExactTest {
  double p = 1;
  double least = 1;          // the smallest p that so many values can give
  std::int64_t sampled = 0;  // arrangements drawn at random; 0: all were counted
  [[nodiscard]] bool can_answer() const { return least < kSignificance; }
};

// Whether values that fall to either sample at random have means as far apart: Fisher 1935, Pitman
// 1937. All arrangements up to kMostCounted values, 20,000 drawn beyond, always the same ones.
// scipy.stats.permutation_test((a, b), difference of means, permutation_type='independent').
inline constexpr int kMostCounted = 24;
ExactTest permutation_test(Sample a, Sample b);

// Whether differences lie about 0 evenly: Wilcoxon, Biometrics Bulletin 1 (1945). Differences of 0
// are left out, equal ones share their ranks, and the distribution is that of these ranks.
// scipy.stats.wilcoxon(differences, method='exact') where none are equal.
struct SignedRankTest : ExactTest {
  double sum = 0;  // of the ranks of those above 0
  int used = 0;    // differences that are not 0
};
SignedRankTest signed_rank_test(Sample differences);

// Whether values of these sizes, each with a sign at random, have as large or as small a sum of the
// positive ones as `above`: both tests of signs rest on it.
double two_sided_by_signs(std::span<const std::size_t> sizes, std::size_t above);

// Whether two models differ, by the texts that one of them alone got right: McNemar, Psychometrika
// 12 (1947); the mid-p as in Fagerland and others, BMC Medical Research Methodology 13 (2013).
// statsmodels' mcnemar(table, exact=True); mid-p: 2 binom.cdf(least, n) - binom.pmf(least, n).
struct McNemarTest : ExactTest {
  double mid_p = 1;
};
McNemarTest mcnemar_test(std::int64_t only_a, std::int64_t only_b);

// Fewer texts that differ cannot settle McNemar's test, whoever is right about them.
inline constexpr int kLeastDiscordant = 6;

}  // namespace mvn
