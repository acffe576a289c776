#include "orchestrate/run/run_status.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn {
namespace {

TEST(TrialProgress, FollowsTheSpool) {
  TrialProgress trial;
  trial.started = 100;
  trial.absorb(read_record({{"type", "start"}, {"resumed_step", 20}}));
  trial.absorb(read_record({{"type", "progress"}, {"step", 30}, {"steps", 120}}));
  trial.absorb(read_record({{"type", "metric"}, {"step", 60}, {"values", {{"train/loss", 0.5}}}}));
  trial.absorb(read_record({{"type", "metric"}, {"step", 60}, {"values", {{"eval/loss", 0.7}}}}));
  EXPECT_EQ(trial.step, 60);
  EXPECT_EQ(trial.steps, 120);
  EXPECT_EQ(trial.loss, 0.5);
  EXPECT_DOUBLE_EQ(trial.fraction(), 0.5);
  EXPECT_DOUBLE_EQ(trial.rate(110), 4);  // 40 steps of its own in 10 seconds
}

TEST(TrialProgress, FollowsMetricsWhereTheyAreAllThereIs) {
  TrialProgress trial;
  trial.started = 100;
  EXPECT_FALSE(trial.reported);
  trial.absorb(read_record({{"type", "metric"}, {"step", 0}, {"values", {{"loss", 2}}}}));
  EXPECT_TRUE(trial.reported);
  trial.absorb(read_record({{"type", "metric"}, {"step", 5.0}, {"values", {{"loss", 1}}}}));
  EXPECT_EQ(trial.step, 5);
  EXPECT_EQ(trial.fraction(), 0);
  trial.usual_steps = 20;  // of a trial like it
  EXPECT_DOUBLE_EQ(trial.fraction(), 0.25);
  EXPECT_DOUBLE_EQ(*trial.remaining(110), 30);
  trial.absorb(read_record({{"type", "progress"}, {"step", 1}, {"steps", 8}}));
  trial.absorb(read_record({{"type", "metric"}, {"step", 500}, {"values", {{"loss", 1}}}}));
  EXPECT_EQ(trial.step, 5);  // metrics beyond its steps count otherwise
}

TEST(TrialProgress, SurvivesRecordsOfAnyShape) {
  TrialProgress trial;
  trial.absorb(read_record({{"type", "start"}, {"resumed_step", "soon"}}));
  trial.absorb(read_record({{"type", "metric"}, {"step", -1.5}, {"values", {{"train/loss", 3}}}}));
  EXPECT_EQ(trial.loss, std::nullopt);  // the store has no place for it, either
  trial.absorb(read_record({{"type", "metric"}, {"step", 1}, {"values", {{"train/loss", "NaN"}}}}));
  EXPECT_TRUE(std::isnan(*trial.loss));
  trial.absorb(read_record({{"type", "metric"}, {"values", {{"train/loss", Json::array()}}}}));
  trial.absorb(read_record({{"type", "metric"}, {"values", 3}}));
  trial.absorb(read_record({{"type", "progress"}, {"step", 9}, {"steps", 3}}));
  EXPECT_DOUBLE_EQ(trial.fraction(), 1);
  EXPECT_EQ(trial.rate(0), 0);
}

RunStatus halfway() {
  RunStatus status;
  status.trials = 5;
  status.done = 2;
  status.to_run = 4;
  status.ended = 1;
  status.started = 1000;
  status.running[0].steps = 100;
  status.running[0].step = 60;
  status.running[1].steps = 10;
  status.running[1].step = 4;
  return status;
}

TEST(RunStatus, CountsRunningTrialsByTheirSteps) { EXPECT_DOUBLE_EQ(halfway().fraction(), 0.5); }

TEST(RunStatus, RemainingTimeFollowsTheSpeedSoFar) {
  EXPECT_DOUBLE_EQ(*halfway().remaining(1030), 30);
}

TEST(RunStatus, StepsOfEarlierRunsAreNoSpeed) {
  auto status = halfway();
  status.running[0].resumed_step = 60;
  status.skipped = 0.4;
  EXPECT_DOUBLE_EQ(*status.remaining(1010), 20);  // 1 trial's worth in 10 s, 2 are left
  status.skipped = 1.4;
  EXPECT_EQ(status.remaining(1010), std::nullopt);
}

}  // namespace
}  // namespace mvn
