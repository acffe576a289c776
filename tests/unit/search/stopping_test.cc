#include "orchestrate/search/stopping.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn {
namespace {

using Rungs = std::vector<std::int64_t>;

// With rungs of its own.
StoppingRule rule(const char* type, Rungs rungs, double eta = 3) {
  StoppingRule rule = stopping_rule(*stop_method(type), {{"min_iter", 1}, {"eta", eta}});
  rule.rungs = std::move(rungs);
  return rule;
}

std::vector<Curve> curves(const std::vector<std::vector<double>>& values) {
  std::vector<Curve> curves;
  for (const auto& each : values) curves.push_back({each, true});
  return curves;
}

// Which of the trials, all of them less good the lower, are stopped.
std::vector<std::size_t> stopped(const StoppingRule& rule, const std::vector<Curve>& curves,
                                 bool maximize = false) {
  std::vector<std::size_t> stopped;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (judge(rule, maximize, curves, i, 0)) stopped.push_back(i);
  }
  return stopped;
}

TEST(Rungs, AreAtMinIterTimesPowersOfEta) {
  const auto rungs = rungs_from(3, 3);
  EXPECT_EQ(Rungs(rungs.begin(), rungs.begin() + 4), (Rungs{3, 9, 27, 81}));
  const auto close = rungs_from(1, 1.2);  // 1, 1.2, 1.44, 1.73, 2.07, 2.49, 2.99, 3.58, 4.3
  EXPECT_EQ(Rungs(close.begin(), close.begin() + 4), (Rungs{1, 2, 3, 4}));
}

// The examples of W&B's documentation and of its sources.
TEST(Rungs, AreAtMaxIterByPowersOfEta) {
  EXPECT_EQ(rungs_below(27, 3, 2), (Rungs{3, 9}));
  EXPECT_EQ(rungs_below(5, 2, 2), (Rungs{1, 2}));
  EXPECT_EQ(rungs_below(2, 3, 5), Rungs());
  EXPECT_EQ(rungs_below(9, 3, 9), (Rungs{1, 3}));
}

TEST(Asha, LetsTheBestThirdGoOn) {
  const auto asha = rule("asha", {1, 3});
  EXPECT_EQ(stopped(asha, curves({{5}, {4}})), std::vector<std::size_t>());  // too few to tell
  EXPECT_EQ(stopped(asha, curves({{5}, {4}, {6}})), (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(stopped(asha, curves({{1}, {2}, {3}, {4}, {5}, {6}})),
            (std::vector<std::size_t>{2, 3, 4, 5}));
  EXPECT_EQ(stopped(asha, curves({{1}, {2}, {3}}), /*maximize=*/true),
            (std::vector<std::size_t>{0, 1}));
}

TEST(Asha, JudgesOnlyAtRungsAndAmongThoseThatReachedThem) {
  const auto asha = rule("asha", {2, 4});
  EXPECT_EQ(stopped(asha, curves({{9}, {8}, {7}})), std::vector<std::size_t>());
  const auto some = curves({{9, 1}, {9, 2}, {9, 3}, {9}, {9}, {9}});
  EXPECT_EQ(stopped(asha, some), (std::vector<std::size_t>{1, 2}));
  // What was seen at an earlier rung is not judged again there.
  EXPECT_FALSE(judge(asha, false, some, 1, 2));
  EXPECT_TRUE(judge(asha, false, some, 1, 1));
}

TEST(Asha, EqualValuesGoOnTogetherAndANaNIsTheWorst) {
  const auto asha = rule("asha", {1});
  EXPECT_EQ(stopped(asha, curves({{2}, {2}, {2}})), std::vector<std::size_t>());
  EXPECT_EQ(stopped(asha, curves({{2}, {std::nan("")}, {2}}), true), std::vector<std::size_t>{1});
}

TEST(Asha, SaysWhy) {
  const auto decision =
      judge(rule("asha", {2}), false, curves({{1, 0.25}, {1, 0.5}, {1, 0.75}}), 2, 0);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->iteration, 2);
  EXPECT_EQ(decision->value, 0.75);
  EXPECT_EQ(decision->threshold, 0.25);
  EXPECT_EQ(decision->peers, 3U);
  EXPECT_EQ(decision->reason,
            "stopped at iteration 2 with 0.75: not among the best 1 of 3 trials (0.25)");
}

// The example of W&B's sources: rungs 1 and 2, whose thresholds are 10 and 8.
TEST(Hyperband, StopsWhatWandbStops) {
  auto hyperband = rule("hyperband", rungs_below(5, 2, 2), 2);
  hyperband.written["strict"] = true;
  const auto runs = curves({{10, 9}, {10, 10}, {10, 8, 8}, {10, 7, 7}, {10, 6, 6}});
  EXPECT_EQ(stopped(hyperband, runs), (std::vector<std::size_t>{0, 1}));  // W&B: a has finished
  EXPECT_EQ(judge(hyperband, false, runs, 1, 0)->threshold, 8);
  EXPECT_EQ(judge(hyperband, false, runs, 1, 0)->reason,
            "stopped at iteration 2 with 10: not among the best 1 in 2 of 5 trials (8)");
}

TEST(Hyperband, GoesByTheBestValueWhereItIsNotStrict) {
  auto hyperband = rule("hyperband", {1, 2, 4}, 2);
  hyperband.written["strict"] = true;
  auto runs = curves({{1, 9}, {2, 2}, {3, 3}});  // at the second rung: 2, 3, 9
  EXPECT_EQ(stopped(hyperband, runs), std::vector<std::size_t>{0});
  hyperband.written["strict"] = false;
  EXPECT_EQ(stopped(hyperband, runs), std::vector<std::size_t>());
  runs[0].values[0] = 4;
  EXPECT_EQ(judge(hyperband, false, runs, 0, 0)->reason,
            "stopped at iteration 2 with 4: its best value is not among the best 1 in 2 of 3 "
            "trials (3)");
}

TEST(Hyperband, JudgesAgainByItsLatestRungAsOthersArrive) {
  const auto hyperband = rule("hyperband", {1}, 2);
  EXPECT_FALSE(judge(hyperband, false, curves({{3}}), 0, 0));
  EXPECT_TRUE(judge(hyperband, false, curves({{3, 3}, {2}, {1}}), 0, 1));
}

// Means up to iteration 2 of those that are done: 1.5, 2 and 3; their median is 2.
TEST(Median, StopsWhoseBestIsWorseThanTheMedianOfMeans) {
  auto median = rule("median", {2});
  median.written["startup_trials"] = 3;
  auto runs = curves({{1, 2, 3}, {2, 2, 2}, {3, 3, 3}, {4, 2.5}});
  runs[3].done = false;
  const auto decision = judge(median, false, runs, 3, 0);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->threshold, 2);
  EXPECT_EQ(decision->value, 2.5);
  EXPECT_EQ(decision->reason,
            "stopped at iteration 2 with 2.5: its best value is worse than the median of the means "
            "of 3 trials (2)");
  runs[3].values = {2, 4};
  EXPECT_FALSE(judge(median, false, runs, 3, 0));  // as good as the median
  runs[3].values = {9};
  EXPECT_FALSE(judge(median, false, runs, 3, 0));  // before min_iter
  runs[3].values = {4, 2.5};
  runs[0].done = false;
  EXPECT_FALSE(judge(median, false, runs, 3, 0));  // two are done
}

}  // namespace
}  // namespace mvn
