// Sweeps in which nothing is better, and sweeps whose differences are known: how often the verdicts
// and the intervals are wrong. Seeds are fixed, so that the same numbers come out each time.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "orchestrate/answers/judgement.h"

namespace mvn {
namespace {

constexpr int kSweeps = 2000;
constexpr double kFalse = 0.06;  // 5 % and a point for 2,000 sweeps being no more than that

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t between(std::size_t least, std::size_t most) {
    return least + engine_() % (most - least + 1);
  }
  double uniform() { return static_cast<double>(engine_() >> 11U) * 0x1.0p-53; }
  double normal() {
    return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * M_PI * uniform());
  }
  std::vector<double> sample(std::size_t n, double mean, double deviation) {
    std::vector<double> values(n);
    for (double& value : values) value = mean + deviation * normal();
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

using Sets = std::vector<SetSamples>;

bool is_claim(Verdict verdict) { return verdict == Verdict::kBetter || verdict == Verdict::kWorse; }

// The share of sweeps with a verdict that there is a difference.
template <typename MakeArms>
double claims(MakeArms make_pairs) {
  int claimed = 0;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const std::vector<Sets> pairs = make_pairs();
    const auto judged = judge_pairs(pairs, {});
    claimed += std::ranges::any_of(
        judged, [](const PairJudgement& pair) { return is_claim(pair.verdict); });
  }
  return static_cast<double>(claimed) / kSweeps;
}

TEST(SimulatedNulls, OneToEightSetsOfThreeToTenSeeds) {
  Random random(1);
  const double rate = claims([&] {
    Sets sets(random.between(1, 8));
    for (auto& set : sets) {
      // Spreads differ from set to set, and from arm to arm by up to a half.
      const double spread = 0.005 + 0.02 * random.uniform();
      const auto n = random.between(3, 10);
      set.a = random.sample(n, 0.8, spread);
      set.b = random.sample(n, 0.8, spread * (1 + random.uniform() / 2));
    }
    return std::vector<Sets>{sets};
  });
  EXPECT_LE(rate, kFalse);
  EXPECT_GE(rate, 0.005);  // it does say something
}

TEST(SimulatedNulls, AccuraciesOnFewTextsOfUnequallyManySeeds) {
  Random random(2);
  const auto accuracies = [&](std::size_t n) {
    std::vector<double> values(n);
    for (double& value : values) {
      int right = 0;
      for (int text = 0; text < 60; ++text) right += random.uniform() < 0.9 ? 1 : 0;
      value = right / 60.0;
    }
    return values;
  };
  EXPECT_LE(claims([&] {
              Sets sets(random.between(1, 3));
              for (auto& set : sets) {
                set.a = accuracies(random.between(3, 10));
                set.b = accuracies(random.between(3, 10));
              }
              return std::vector<Sets>{sets};
            }),
            kFalse);
}

TEST(SimulatedNulls, SeveralArmsAskedTogether) {
  Random random(3);
  EXPECT_LE(claims([&] {
              std::vector<std::vector<double>> arms;
              for (int arm = 0; arm < 4; ++arm) arms.push_back(random.sample(5, 0.8, 0.01));
              std::vector<Sets> pairs;
              for (std::size_t a = 0; a < arms.size(); ++a) {
                for (std::size_t b = a + 1; b < arms.size(); ++b) {
                  pairs.push_back({{arms[a], arms[b]}});
                }
              }
              return pairs;
            }),
            kFalse);
}

TEST(SimulatedNulls, PairsOfSeedsThatShareTheirStart) {
  Random random(4);
  EXPECT_LE(claims([&] {
              SetSamples set;
              set.paired = true;
              for (std::size_t i = random.between(3, 10); i > 0; --i) {
                const double shared = 0.02 * random.normal();
                set.a.push_back(0.8 + shared + 0.01 * random.normal());
                set.b.push_back(0.8 + shared + 0.01 * random.normal());
              }
              return std::vector<Sets>{{set}};
            }),
            kFalse);
}

TEST(SimulatedDifferences, IntervalsCoverTheTruth) {
  Random random(5);
  int covered = 0;
  int covered_paired = 0;
  constexpr double kTruth = 0.01;
  constexpr int kIntervals = 10'000;
  for (int i = 0; i < kIntervals; ++i) {
    const auto n = random.between(3, 10);
    const auto a = random.sample(n, 0.8 + kTruth, 0.01);
    const auto b = random.sample(random.between(3, 10), 0.8, 0.015);
    const auto difference = welch(a, b);
    covered += difference.low <= kTruth && kTruth <= difference.high ? 1 : 0;
    const auto paired = paired_difference(a, random.sample(n, 0.8, 0.015));
    covered_paired += paired.low <= kTruth && kTruth <= paired.high ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(covered) / kIntervals, 0.95, 0.02);
  EXPECT_NEAR(static_cast<double>(covered_paired) / kIntervals, 0.95, 0.02);
}

TEST(SimulatedDifferences, TheSeedsAskedForTell) {
  // The exact test, which has to agree, sees it in hardly fewer cases than the t test.
  constexpr double kEffect = 1.2;
  const auto n = static_cast<std::size_t>(needed_each(kEffect).value_or(0));
  EXPECT_EQ(n, 12U);
  Random random(6);
  int told = 0;
  constexpr int kRuns = 200;
  for (int i = 0; i < kRuns; ++i) {
    const auto judged = judge_set({random.sample(n, kEffect, 1), random.sample(n, 0, 1)}, {});
    told += judged.verdict == Verdict::kBetter ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(told) / kRuns, 0.8, 0.08);
}

TEST(SimulatedDifferences, LargeOnesAreFound) {
  Random random(7);
  const double rate = claims([&] {
    Sets sets(random.between(1, 8));
    for (auto& set : sets) {
      const auto n = random.between(4, 10);
      set.a = random.sample(n, 0.9, 0.01);
      set.b = random.sample(n, 0.8, 0.01);
    }
    return std::vector<Sets>{sets};
  });
  EXPECT_GE(rate, 0.99);
}

}  // namespace
}  // namespace mvn
