#include "train/recipe/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "support/error_of.h"

namespace mvn {
namespace {

ScheduleOptions named(const std::string& name) {
  ScheduleOptions options;
  options.name = name;
  return options;
}

TEST(ScheduleTest, ConstantStaysAtThePeak) {
  const Schedule schedule(named("constant"), 0.5, 10);
  EXPECT_EQ(schedule.at(0), 0.5);
  EXPECT_EQ(schedule.at(9), 0.5);
}

TEST(ScheduleTest, WarmUpReachesThePeakWithItsLastStep) {
  auto options = named("constant");
  options.warmup_steps = 4;
  const Schedule schedule(options, 1, 10);
  EXPECT_EQ(schedule.at(0), 0.25);
  EXPECT_EQ(schedule.at(1), 0.5);
  EXPECT_EQ(schedule.at(3), 1);
  EXPECT_EQ(schedule.at(4), 1);
}

TEST(ScheduleTest, WarmUpAsAShareIsRoundedUp) {
  auto options = named("constant");
  options.warmup_ratio = 0.25;
  EXPECT_EQ(Schedule(options, 1, 10).warmup_steps(), 3);
}

TEST(ScheduleTest, LinearFallsToItsFloorAndKeepsIt) {
  auto options = named("linear");
  options.min_lr = 0.2;
  options.decay_steps = 8;
  const Schedule schedule(options, 1, 12);
  EXPECT_DOUBLE_EQ(schedule.at(0), 1);
  EXPECT_DOUBLE_EQ(schedule.at(4), 0.6);
  EXPECT_DOUBLE_EQ(schedule.at(8), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(11), 0.2);
}

TEST(ScheduleTest, CosineDecaysAfterTheWarmUp) {
  auto options = named("cosine");
  options.warmup_steps = 2;
  options.min_lr_ratio = 0.1;
  const Schedule schedule(options, 2, 10);
  EXPECT_DOUBLE_EQ(schedule.at(1), 2);
  EXPECT_DOUBLE_EQ(schedule.at(2), 2);
  EXPECT_DOUBLE_EQ(schedule.at(6), 0.2 + 1.8 / 2);
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.2 + 0.9 * (1 + std::cos(std::numbers::pi * 7 / 8)));
}

// optimizers.py of EleutherAI/gpt-neo: lr * ((1 - alpha) * 0.5 * (1 + cos(pi * step / end)) +
// alpha), during the warm-up times step / warmup.
TEST(ScheduleTest, DecayFromTheStartIsTheOneOfGptNeo) {
  auto options = named("cosine");
  options.warmup_steps = 3000;
  options.min_lr_ratio = 0.1;
  options.decay_from_start = true;
  const Schedule schedule(options, 2e-4, 286150);
  const auto neo = [](double step) {
    const double decayed =
        2e-4 * (0.9 * 0.5 * (1 + std::cos(std::numbers::pi * step / 286150)) + 0.1);
    return step < 3000 ? decayed * step / 3000 : decayed;
  };
  for (const std::int64_t step : {0, 1, 1500, 2999, 3000, 100000, 286149}) {
    EXPECT_NEAR(schedule.at(step), neo(static_cast<double>(step)), 1e-18) << step;
  }
  EXPECT_EQ(schedule.at(0), 0);
  EXPECT_DOUBLE_EQ(schedule.at(286150), 2e-5);
}

TEST(ScheduleTest, AFloorAboveThePeakIsRefused) {
  auto options = named("cosine");
  options.min_lr = 1e-3;
  EXPECT_EQ(test::error_of([&] { const Schedule schedule(options, 1e-4, 10); }),
            "schedule.min_lr: is 0.001000, above the peak learning rate 0.000100");
}

}  // namespace
}  // namespace mvn
