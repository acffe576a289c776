// Better, worse, equivalent, or cannot tell: what the tests say together. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "orchestrate/answers/exact_tests.h"
#include "orchestrate/answers/two_samples.h"

namespace mvn {

// What is said of the first arm against the second.
enum class Verdict { kBetter, kWorse, kEquivalent, kCannotTell };
const char* verdict_word(Verdict verdict);

// The results of two arms on one data set, a value a seed.
struct SetSamples {
  std::vector<double> a = {};
  std::vector<double> b = {};
  bool paired = false;  // a[i] and b[i] share their seed and their start
};

// What decides, and by how much.
struct Terms {
  bool maximize = true;
  double region = 0;  // a smaller difference is none in practice; 0: every difference counts
};

// A point where a metric of this kind (metric_kind()) and these values is between 0 and 1; else 0.
double usual_region(std::string_view kind, Sample values);

struct SetJudgement {
  std::size_t n_a = 0;
  std::size_t n_b = 0;
  double mean_a = 0;
  double mean_b = 0;
  MeanDifference difference;  // paired where the samples are
  bool paired = false;
  double correlation = 0;                // of the pairs
  std::optional<ExactTest> permutation;  // where so few values can answer; never of pairs
  Superiority superiority;               // that a result of the first arm is the better one
  double g = 0;                          // Hedges'; NaN where nothing varies
  double p = 1;                          // the larger one of the tests': both have to be sure
  double adjusted = 1;                   // Holm's, among all that is asked together
  bool seeds_matter = true;              // false: the results of either arm are all the same
  Verdict verdict = Verdict::kCannotTell;
  std::optional<int> more_seeds;  // of each arm, that would tell with a power of 80 %
  [[nodiscard]] bool answers() const { return n_a > 1 && n_b > 1 && seeds_matter; }
};

// Two arms over all data sets that both have results of.
struct PairJudgement {
  std::vector<SetJudgement> sets;
  // From kLeastSets sets on: their differences are the sample.
  std::optional<SignedRankTest> over_sets;
  MeanDifference mean_difference;  // over the sets, where there are two or more
  double adjusted = 1;             // of over_sets
  Verdict verdict = Verdict::kCannotTell;
  std::optional<int> more_sets;  // that would tell
};

// Fewer cannot make Wilcoxon's test significant.
inline constexpr std::size_t kLeastSets = 6;

// One pair of arms on one set, asked alone.
SetJudgement judge_set(const SetSamples& samples, const Terms& terms);

// Several pairs, asked together: each is an element of `pairs`, with its samples by data set. With
// up to five sets a verdict is that of the sets it holds on; with six or more, that of Wilcoxon's
// test over them. Holm's correction is over all that decides.
std::vector<PairJudgement> judge_pairs(std::span<const std::vector<SetSamples>> pairs,
                                       const Terms& terms);

}  // namespace mvn
