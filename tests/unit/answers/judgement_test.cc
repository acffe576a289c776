#include "orchestrate/answers/judgement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "orchestrate/answers/words.h"

namespace mvn {
namespace {

const SetSamples kApart = {{0.80, 0.81, 0.82, 0.80, 0.81}, {0.60, 0.61, 0.62, 0.60, 0.61}};
const SetSamples kClose = {{0.80, 0.84, 0.82, 0.78, 0.81}, {0.79, 0.83, 0.80, 0.80, 0.81}};

std::string sentence(const SetSamples& samples, const Terms& terms = {}) {
  return set_sentence(judge_set(samples, terms), terms,
                      {.a = "A", .b = "B", .metric = "m", .decimals = 3, .texts = {}});
}

TEST(Judgement, BetterHasASize) {
  EXPECT_EQ(sentence(kApart),
            "A is better than B: m 0.808 against 0.608, a difference of 0.200 (95 % interval 0.188"
            " .. 0.212, 5 seeds each).");
  EXPECT_EQ(sentence({kApart.b, kApart.a}),
            "B is better than A: m 0.808 against 0.608, a"
            " difference of 0.200 (95 % interval 0.188 .. 0.212,"
            " 5 seeds each).");
  // Lower is better.
  EXPECT_EQ(judge_set(kApart, {.maximize = false}).verdict, Verdict::kWorse);
  EXPECT_EQ(judge_set(kApart, {.maximize = false}).superiority.probability, 0);
}

TEST(Judgement, WhatCannotBeToldNamesTheSeedsThatWouldTell) {
  EXPECT_EQ(sentence(kClose),
            "Cannot tell A from B: m 0.810 against 0.806, a difference of 0.004 (95 % interval"
            " -0.025 .. 0.033, 5 seeds each). About 355 more seeds each would tell a difference of"
            " this size with 80 % power.");
  EXPECT_EQ(judge_set(kClose, {}).more_seeds, 355);
}

TEST(Judgement, EquivalentIsAnIntervalWithinTheRegion) {
  EXPECT_EQ(judge_set(kClose, {.region = 0.01}).verdict, Verdict::kCannotTell);
  EXPECT_EQ(sentence(kClose, {.region = 0.04}),
            "A and B are equivalent: m 0.810 against 0.806, a difference of 0.004 (95 % interval"
            " -0.025 .. 0.033, 5 seeds each), within the region of 0.04 on either side of 0.");
  // A difference that is sure and yet none in practice.
  EXPECT_EQ(judge_set(kApart, {.region = 0.25}).verdict, Verdict::kEquivalent);
}

TEST(Judgement, RunsThatRepeatEachOtherAreNoEvidence) {
  EXPECT_EQ(sentence({{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}}),
            "Cannot tell A from B: m 0.500 against 0.250, the same with each seed. Runs that repeat"
            " each other are no evidence: does the seed change anything?");
  EXPECT_EQ(sentence({{0.5, 0.75, 0.625}, {0.25, 0.5, 0.375}, true}),
            "Cannot tell A from B: m 0.625 against 0.375, the same difference with each seed. Runs"
            " that repeat each other are no evidence: does the seed change anything?");
}

TEST(Judgement, OneSeedIsNoEvidence) {
  EXPECT_EQ(sentence({{0.5}, {0.75, 0.7}}),
            "Cannot tell B from A: m 0.725 against 0.500. With one seed this may be chance: there"
            " is no interval to judge it by.");
}

TEST(Judgement, PairsShowTheirCorrelation) {
  // Apart by 0.01 with each seed, while the seeds are apart by more.
  const SetSamples pairs = {{0.51, 0.614, 0.708, 0.81}, {0.50, 0.60, 0.70, 0.80}, true};
  EXPECT_EQ(sentence(pairs),
            "A is better than B: m 0.661 against 0.650, a difference of 0.011 (95 % interval 0.006"
            " .. 0.015, 4 pairs of seeds, correlation 1.00).");
  EXPECT_EQ(judge_set({pairs.a, pairs.b}, {}).verdict, Verdict::kCannotTell);
  EXPECT_FALSE(judge_set(pairs, {}).permutation);
}

TEST(Judgement, ExactTestsAreOfferedWhereTheyCanAnswer) {
  EXPECT_TRUE(judge_set(kApart, {}).permutation);
  const SetSamples three = {{0.80, 0.81, 0.82}, {0.60, 0.61, 0.62}};
  EXPECT_FALSE(judge_set(three, {}).permutation);
  EXPECT_EQ(judge_set(three, {}).verdict, Verdict::kBetter);
}

TEST(Judgement, BothTestsHaveToBeSure) {
  const SetSamples samples = {{1, 2, 3, 4.9}, {4.8, 5, 6, 6}};
  const auto judged = judge_set(samples, {});
  EXPECT_LT(judged.difference.p, 0.05);
  ASSERT_TRUE(judged.permutation);
  EXPECT_GT(judged.permutation->p, 0.05);
  EXPECT_EQ(judged.verdict, Verdict::kCannotTell);
  EXPECT_NE(sentence(samples).find(" The interval is on one side of 0, but the exact permutation"
                                   " test is not sure (p = 0.057)."),
            std::string::npos)
      << sentence(samples);
}

TEST(Judgement, FewTextsLimitWhatSeedsCanTell) {
  const auto text = [](const SetSamples& samples, double texts) {
    return set_sentence(judge_set(samples, {}), {},
                        {.a = "A", .b = "B", .metric = "m", .decimals = 3, .texts = texts});
  };
  EXPECT_TRUE(text(kClose, 100)
                  .ends_with(" On 100 texts this is a difference of 0.4 texts: with fewer than 6 "
                             "no number of seeds would"
                             " tell."))
      << text(kClose, 100);
  EXPECT_TRUE(
      text(kApart, 10)
          .ends_with(
              " On 10 texts this is a difference of 2.0 texts: of other texts it says nothing."))
      << text(kApart, 10);
  EXPECT_EQ(text(kApart, 1000), sentence(kApart));
}

TEST(Judgement, QuestionsAskedTogetherAreHarderToAnswer) {
  const SetSamples close_call = {{0.80, 0.81, 0.82, 0.83, 0.84}, {0.77, 0.78, 0.79, 0.80, 0.812}};
  EXPECT_LT(judge_set(close_call, {}).p, 0.05);
  EXPECT_EQ(judge_set(close_call, {}).verdict, Verdict::kBetter);
  const std::vector<std::vector<SetSamples>> pairs = {{close_call, kClose, kClose}};
  const auto judged = judge_pairs(pairs, {}).front();
  EXPECT_EQ(judged.sets[0].adjusted, 3 * judged.sets[0].p);
  EXPECT_EQ(judged.sets[0].verdict, Verdict::kCannotTell);
  EXPECT_EQ(judged.verdict, Verdict::kCannotTell);
}

std::string over(const std::vector<SetSamples>& sets, const Terms& terms = {}) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < sets.size(); ++i) names.push_back("set" + std::to_string(i));
  const std::vector<std::vector<SetSamples>> pairs = {sets};
  return pair_sentence(judge_pairs(pairs, terms).front(), terms,
                       {.a = "A", .b = "B", .metric = "m", .decimals = 3, .texts = {}}, names);
}

TEST(Judgement, FewSetsAreCounted) {
  const SetSamples reversed = {kApart.b, kApart.a};
  EXPECT_EQ(over({kApart, kClose, kApart}),
            "A is better than B on 2 of 3 data sets (set0, set2), worse on none.");
  EXPECT_EQ(over({reversed, kClose}),
            "B is better than A on 1 of 2 data sets (set0), worse on none.");
  EXPECT_EQ(over({kApart, reversed}),
            "Which is better depends on the data set: A on 1 of 2 data sets (set0), B on 1 of 2"
            " data sets (set1).");
  EXPECT_EQ(over({kClose, kClose}, {.region = 0.04}), "A and B are equivalent on all 2 data sets.");
  EXPECT_EQ(over({kClose, kClose}),
            "Cannot tell A from B on any of 2 data sets. Closest is set0, where about 430 more"
            " seeds each would tell a difference of this size with 80 % power.");
}

TEST(Judgement, ManySetsAreASampleOfTheirOwn) {
  std::vector<SetSamples> sets;
  for (int i = 0; i < 6; ++i) sets.push_back({{0.81 + 0.001 * i}, {0.80}});
  EXPECT_EQ(over(sets),
            "A is better than B over 6 data sets: m differs by 0.013 on average (95 % interval"
            " 0.011 .. 0.014), Wilcoxon's p = 0.031.");
  EXPECT_EQ(over(sets, {.region = 0.02}),
            "A and B are equivalent over 6 data sets: m differs by 0.013 on average (95 % interval"
            " 0.011 .. 0.014), Wilcoxon's p = 0.031; within the region of 0.02 on either side of"
            " 0.");
  sets.back().a = {0.76};
  EXPECT_EQ(over(sets),
            "Cannot tell A from B over 6 data sets: m differs by 0.003 on average (95 % interval"
            " -0.019 .. 0.026), Wilcoxon's p = 0.44. About 316 more such data sets would tell with"
            " 80 % power.");
}

}  // namespace
}  // namespace mvn
