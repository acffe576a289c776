#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "check_numbers.h"
#include "orchestrate/answers/exact_tests.h"
#include "orchestrate/answers/ranks.h"
#include "orchestrate/answers/two_samples.h"

namespace mvn {
namespace {

using Numbers = std::vector<double>;

TEST(Statistics, AreTheKeptNumbersOfSciPy) { test::check_numbers(read_json(MVN_TEST_NUMBERS)); }

TEST(Statistics, ExactTestsKnowWhatSoFewValuesCanSay) {
  // Five pairs cannot reach 0.05, five values a side can.
  EXPECT_EQ(signed_rank_test(Numbers{1, 2, 3, 4, 5}).p, 0.0625);
  EXPECT_FALSE(signed_rank_test(Numbers{1, 2, 3, 4, 5}).can_answer());
  EXPECT_EQ(signed_rank_test(Numbers{1, 2, 3, 4, 5, 6}).p, 0.03125);
  EXPECT_TRUE(signed_rank_test(Numbers{1, 2, 3, 4, 5, 6}).can_answer());
  // A difference of 0 says nothing.
  EXPECT_FALSE(signed_rank_test(Numbers{0, 1, 2, 3, 4, 5}).can_answer());
  const auto least = [](std::size_t n) {
    return permutation_test(Numbers(n, 1.0), Numbers(n, 0.0)).least;
  };
  EXPECT_EQ(least(3), 2.0 / 20);
  EXPECT_EQ(least(4), 2.0 / 70);
  EXPECT_EQ(least(5), 2.0 / 252);
  EXPECT_EQ(mcnemar_test(0, 5).p, 0.0625);
  EXPECT_EQ(mcnemar_test(0, kLeastDiscordant).p, 0.03125);
  EXPECT_FALSE(mcnemar_test(0, kLeastDiscordant - 1).can_answer());
}

TEST(Statistics, PermutationsOfManyValuesAreDrawnTheSameEachTime) {
  Numbers a(13);
  Numbers b(13);
  std::iota(a.begin(), a.end(), 3.5);
  std::iota(b.begin(), b.end(), 0.0);
  const auto drawn = permutation_test(a, b);
  EXPECT_EQ(drawn.sampled, 20'000);
  EXPECT_EQ(drawn.p, permutation_test(a, b).p);
  // Of one value less, all are counted: about the same.
  const auto counted = permutation_test(std::span(a).first(12), std::span(b).first(12));
  EXPECT_EQ(counted.sampled, 0);
  EXPECT_NEAR(drawn.p, counted.p, 0.01);
  EXPECT_LT(drawn.p, 0.05);
}

TEST(Statistics, SumsThatDifferByRoundingAreEqual) {
  // 0.1 + 0.2 is not 0.3 in binary.
  const auto test = permutation_test(Numbers{0.1, 0.2, 0.3}, Numbers{0.3, 0.2, 0.1});
  EXPECT_EQ(test.p, 1);
  EXPECT_EQ(ranks_of(Numbers{0.1 + 0.2, 0.3, 0.1}), (Numbers{2.5, 2.5, 1}));
}

// Differences, in standard deviations, that a t test of n pairs sees with a power of 80 %.
TEST(Statistics, PowerOfPairsIsThatOfTheTables) {
  for (const auto& [n, effect] : {std::pair{3, 3.26},
                                  {4, 2.13},
                                  {5, 1.68},
                                  {6, 1.43},
                                  {8, 1.16},
                                  {10, 1.00},
                                  {15, 0.78},
                                  {20, 0.66},
                                  {30, 0.53}}) {
    EXPECT_GE(power_of_pairs(effect + 0.005, n), 0.8) << n;
    EXPECT_LE(power_of_pairs(effect - 0.005, n), 0.8) << n;
  }
}

TEST(Statistics, NoSeedsTellNoDifference) {
  EXPECT_EQ(needed_each(0), std::nullopt);
  EXPECT_EQ(needed_each(0.01), std::nullopt);
  EXPECT_EQ(needed_each(1), 17);
  EXPECT_EQ(needed_each(1000), 2);
  EXPECT_EQ(needed_each(std::nan("")), std::nullopt);
}

TEST(Statistics, OneValueHasNoInterval) {
  const auto difference = welch(Numbers{0.5}, Numbers{0.25, 0.75});
  EXPECT_EQ(difference.estimate, 0);
  EXPECT_TRUE(std::isnan(difference.low) && std::isnan(difference.p));
  EXPECT_TRUE(std::isnan(deviation_of(Numbers{1})));
}

TEST(Statistics, ChanceOfBeingBetterIsNeverCertain) {
  const auto apart = superiority(Numbers{4, 5, 6}, Numbers{1, 2, 3});
  EXPECT_EQ(apart.probability, 1);
  EXPECT_EQ(apart.high, 1);
  EXPECT_NEAR(apart.low, 0.501, 0.001);
  const auto reversed = superiority(Numbers{1, 2, 3}, Numbers{4, 5, 6});
  EXPECT_EQ(reversed.low, 0);
  EXPECT_NEAR(reversed.high, 0.499, 0.001);
  EXPECT_EQ(superiority(Numbers{1, 1}, Numbers{1, 1}).probability, 0.5);
}

}  // namespace
}  // namespace mvn
