#include "orchestrate/run/budget.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

constexpr std::int64_t kHour = 3'600'000;

TEST(Budget, CountsTheTimeDuringWhichSomethingRan) {
  const std::vector<AttemptSpan> attempts = {
      {"cpu", 0, 2 * kHour}, {"cpu", kHour, 3 * kHour}, {"cpu", 10 * kHour, {}}};
  const Spent spent = spent_by(attempts, 11 * kHour);
  EXPECT_DOUBLE_EQ(spent.hours, 4);
  EXPECT_DOUBLE_EQ(spent.gpu_hours, 0);
  EXPECT_DOUBLE_EQ(spent_by({}, kHour).hours, 0);
}

TEST(Budget, CountsEachGpuOnItsOwnAndSharedOnesOnce) {
  const std::vector<AttemptSpan> attempts = {{"cuda:0", 0, 2 * kHour},
                                             {"cuda:0", kHour, 2 * kHour},  // two on one GPU
                                             {"cuda:1", 0, 3 * kHour},
                                             {"cpu", 0, kHour}};
  const Spent spent = spent_by(attempts, 9 * kHour);
  EXPECT_DOUBLE_EQ(spent.hours, 3);
  EXPECT_DOUBLE_EQ(spent.gpu_hours, 5);
}

TEST(Budget, SaysWhichLimitIsReached) {
  EXPECT_EQ(limit_reached({{}, 8, 4}, {3, 3.5}), "");
  EXPECT_EQ(limit_reached({{}, 8, 4}, {8.25, 4.5}), "run_cap.hours 8 is spent (8.25)");
  EXPECT_EQ(limit_reached({{}, 0, 4}, {100, 4.5}), "run_cap.gpu_hours 4 is spent (4.5)");
  EXPECT_EQ(limit_reached({}, {100, 100}), "");
}

TEST(Budget, IsFollowedAsItIsAddedUp) {
  constexpr std::int64_t kMinute = 60'000;
  Spending spending(std::vector<AttemptSpan>{{"cuda:0", 0, 60 * kMinute}});
  spending.started("cuda:0", 100 * kMinute);
  spending.started("cuda:1", 110 * kMinute);
  spending.ended("cuda:0", 120 * kMinute);
  EXPECT_DOUBLE_EQ(spending.until(130 * kMinute).hours, 1.5);
  EXPECT_DOUBLE_EQ(spending.until(130 * kMinute).gpu_hours, 1 + 40.0 / 60);
  spending.ended("cuda:1", 130 * kMinute);
  spending.started("cpu", 190 * kMinute);
  EXPECT_DOUBLE_EQ(spending.until(190 * kMinute).hours, 1.5);
  EXPECT_DOUBLE_EQ(spending.until(220 * kMinute).hours, 2);
  EXPECT_DOUBLE_EQ(spending.until(220 * kMinute).gpu_hours, 1 + 40.0 / 60);
}

}  // namespace
}  // namespace mvn
