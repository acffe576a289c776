#include "orchestrate/page/thinning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace mvn {
namespace {

MetricCurve curve_of(const std::vector<double>& means) {
  MetricCurve curve;
  for (std::size_t i = 0; i < means.size(); ++i) {
    const double mean = means[i];
    curve.push_back({.step = static_cast<std::int64_t>(10 * i),
                     .mean = mean,
                     .n = 2,
                     .sd = 0.5,
                     .low = mean - 1,
                     .high = mean + 1});
  }
  return curve;
}

std::vector<double> waves(std::size_t count) {
  std::vector<double> means;
  for (std::size_t i = 0; i < count; ++i) means.push_back(std::sin(static_cast<double>(i) / 40));
  return means;
}

std::vector<std::int64_t> steps_of(const MetricCurve& curve) {
  std::vector<std::int64_t> steps;
  for (const auto& point : curve) steps.push_back(point.step);
  return steps;
}

TEST(Thinning, LeavesShortCurvesAsTheyAre) {
  EXPECT_EQ(steps_of(thinned(curve_of({1, 2, 3}), 3)), (std::vector<std::int64_t>{0, 10, 20}));
  EXPECT_TRUE(thinned({}, 10).empty());
}

TEST(Thinning, KeepsTheEndsTheOrderAndAsManyPointsAsItMay) {
  const auto kept = thinned(curve_of(waves(1000)), 50);
  ASSERT_EQ(kept.size(), 50U);
  EXPECT_EQ(kept.front().step, 0);
  EXPECT_EQ(kept.back().step, 9990);
  const auto steps = steps_of(kept);
  EXPECT_EQ(std::set<std::int64_t>(steps.begin(), steps.end()).size(), 50U);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
}

TEST(Thinning, EachPointIsOneOfTheCurves) {
  const auto curve = curve_of(waves(777));
  for (const auto& point : thinned(curve, 40)) {
    const auto& whole = curve.at(static_cast<std::size_t>(point.step / 10));
    EXPECT_EQ(point.mean, whole.mean);
    EXPECT_EQ(point.low, whole.low);
    EXPECT_EQ(point.high, whole.high);
  }
}

TEST(Thinning, APeakStays) {
  auto means = std::vector<double>(2000, 0.5);
  means[1234] = 9;
  const auto kept = thinned(curve_of(means), 60);
  EXPECT_TRUE(std::ranges::any_of(kept, [](const auto& point) { return point.mean == 9; }));
}

TEST(Thinning, WhatIsNoNumberStaysWhereItBegins) {
  auto means = waves(1000);
  for (std::size_t i = 700; i < 1000; ++i) means[i] = std::numeric_limits<double>::quiet_NaN();
  const auto kept = thinned(curve_of(means), 60);
  EXPECT_LE(kept.size(), 60U);
  EXPECT_EQ(kept.back().step, 7000);
  EXPECT_TRUE(std::isnan(kept.back().mean));
  EXPECT_EQ(kept[kept.size() - 2].step, 6990);
}

TEST(Thinning, ACurveOfNoNumbersIsItsBeginning) {
  const std::vector<double> means(500, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(steps_of(thinned(curve_of(means), 60)), (std::vector<std::int64_t>{0}));
}

}  // namespace
}  // namespace mvn
