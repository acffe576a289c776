#include "orchestrate/run/stopper.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

// Two trials, and a rule that stops the worse one at its second value.
class StopperTest : public testing::Test {
 protected:
  StopperTest() {
    for (const auto* id : {"a", "b"}) {
      PlannedTrial trial;
      trial.id = id;
      plan_.trials.push_back(trial);
    }
    plan_.metrics[""] = {"loss", false};
    StoppingRule rule = stopping_rule(*stop_method("asha"), {{"min_iter", 2}, {"eta", 2}});
    rule.rungs = {2};
    plan_.stopping[""] = rule;
  }

  static void report(Stopper& stopper, const PlannedTrial& trial, int attempt, std::int64_t step,
                     double loss) {
    stopper.absorb(trial, attempt, {0, MetricRecord{step, {{"loss", loss}}}, {}});
  }

  SweepPlan plan_;
};

TEST_F(StopperTest, JudgesByTheValuesOfTheLatestAttempt) {
  Stopper stopper(plan_, {});
  const auto& good = plan_.trials[0];
  const auto& other = plan_.trials[1];
  report(stopper, good, 1, 1, 0.25);
  report(stopper, good, 1, 2, 0.25);
  EXPECT_FALSE(stopper.judge(good));
  report(stopper, other, 1, 1, 0.125);
  report(stopper, other, 1, 2, 0.125);
  EXPECT_FALSE(stopper.judge(other));
  // It was killed and begins again: what was judged is judged anew, by what it reports now.
  report(stopper, other, 2, 1, 5);
  EXPECT_FALSE(stopper.judge(other));
  report(stopper, other, 2, 2, 5);
  const auto decision = stopper.judge(other);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->at("iteration"), 2);
  EXPECT_EQ(decision->at("value"), 5);
}

TEST_F(StopperTest, AnAttemptThatGoesOnKeepsWhatWasBefore) {
  Stopper stopper(plan_, {{"b", TrialState::kInterrupted, {}, {{10, 0.5}, {20, 0.5}, {30, 0.5}}}});
  const auto& good = plan_.trials[0];
  const auto& other = plan_.trials[1];
  report(stopper, good, 1, 10, 0.25);
  report(stopper, good, 1, 20, 0.25);
  EXPECT_FALSE(stopper.judge(good));
  stopper.absorb(other, 2, {0, StartRecord{{}, {}, 15}, {}});
  EXPECT_FALSE(stopper.judge(other));  // one value is left, of step 10
  report(stopper, other, 2, 20, 4);
  const auto decision = stopper.judge(other);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->at("value"), 4);
}

TEST_F(StopperTest, ATruthValueCountsAsTheStoreKeepsIt) {
  plan_.metrics[""].target = 0;
  Stopper stopper(plan_, {});
  stopper.absorb(plan_.trials[0], 1,
                 read_record({{"type", "metric"}, {"step", 1}, {"values", {{"loss", false}}}}));
  EXPECT_EQ(stopper.target_reached("")->value, 0);
}

TEST_F(StopperTest, ATrialThatIsTrainedAgainHasReportedNothing) {
  Stopper stopper(plan_, {{"b", TrialState::kDone, {}, {{10, 0.5}, {20, 0.5}}}});
  const auto& good = plan_.trials[0];
  stopper.forget(plan_.trials[1]);
  report(stopper, good, 1, 10, 9);
  report(stopper, good, 1, 20, 9);
  EXPECT_FALSE(stopper.judge(good));
}

}  // namespace
}  // namespace mvn
