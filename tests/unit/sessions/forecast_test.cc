#include "orchestrate/sessions/forecast.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

const Machine kHere{"alpha", false, 4};

// Roles as the trainer gives them.
KeyRoles roles() {
  Description installed;
  installed.sections["schedule"] = {{.name = "warmup_steps", .role = ParamRole::kCourse}};
  installed.sections["training"] = {{.name = "epochs", .role = ParamRole::kPasses},
                                    {.name = "steps", .role = ParamRole::kSteps},
                                    {.name = "batch_size", .role = ParamRole::kBatch}};
  return KeyRoles(installed);
}
const KeyRoles kRoles = roles();

Json config(int seed, double lr, int rank = 8, int steps = 100) {
  return {{"seed", seed},
          {"model", {{"plugin", "mamba"}, {"weights", "models/mamba"}}},
          {"adapter", {{"plugin", "lora"}, {"r", rank}, {"lora_dropout", 0.1}}},
          {"optimizer", {{"lr", lr}}},
          {"schedule", {{"warmup_steps", 3}}},
          {"training", {{"steps", steps}, {"batch_size", 32}}}};
}

PlannedTrial planned(const Json& config, const std::string& group = "new") {
  PlannedTrial trial;
  trial.group = group;
  trial.config = config;
  return trial;
}

// A trial that took `seconds` for its 100 steps, a second of them to start up.
PastTrial past(const Json& config, double seconds, const std::string& group = "old") {
  PastAttempt attempt;
  attempt.state = TrialState::kDone;
  attempt.device = "cpu";
  attempt.host = "alpha";
  attempt.threads = 4;
  attempt.seconds = seconds;
  attempt.step = attempt.steps = 100;
  attempt.seconds_per_step = (seconds - 1) / 100;
  attempt.peak_host_bytes = seconds * 1000;
  PastTrial trial;
  trial.group = group;
  trial.state = TrialState::kDone;
  trial.config = config;
  trial.attempts = {attempt};
  trial.kept_bytes = 500;
  return trial;
}

TEST(Forecast, NothingIsKnownWithoutAPast) {
  const auto prediction = Forecast({}, kHere, kRoles).predict(planned(config(0, 0.1)), 0);
  EXPECT_EQ(prediction.basis, Basis::kNone);
  EXPECT_EQ(prediction.trials, 0U);
}

TEST(Forecast, OtherSeedsGiveTheirMeanAndRange) {
  const Forecast forecast({past(config(0, 0.1), 10, "same"), past(config(1, 0.1), 14, "same"),
                           past(config(0, 0.2), 99, "other")},
                          kHere, kRoles);
  const auto prediction = forecast.predict(planned(config(2, 0.1), "same"), 0);
  EXPECT_EQ(prediction.basis, Basis::kSeeds);
  EXPECT_EQ(prediction.trials, 2U);
  EXPECT_FALSE(prediction.elsewhere);
  EXPECT_DOUBLE_EQ(prediction.seconds.expected, 12);
  EXPECT_DOUBLE_EQ(prediction.seconds.low, 9);
  EXPECT_NEAR(prediction.seconds.high, 15.4, 1e-12);
  EXPECT_DOUBLE_EQ(prediction.host_bytes, 14000);
  EXPECT_DOUBLE_EQ(prediction.kept_bytes, 500);
}

TEST(Forecast, ALearningRateIsNoOtherShapeARankIs) {
  const Forecast forecast({past(config(0, 0.1, 8), 10)}, kHere, kRoles);
  const auto prediction = forecast.predict(planned(config(0, 0.5, 8)), 0);
  EXPECT_EQ(prediction.basis, Basis::kShape);
  EXPECT_DOUBLE_EQ(prediction.seconds.low, 7.5);
  EXPECT_DOUBLE_EQ(prediction.seconds.high, 12.5);
  EXPECT_EQ(forecast.predict(planned(config(0, 0.1, 16)), 0).basis, Basis::kNone);
}

TEST(Forecast, MoreStepsTakeLongerButStartingUpDoesNot) {
  const Forecast forecast({past(config(0, 0.1), 11)}, kHere, kRoles);
  EXPECT_DOUBLE_EQ(forecast.predict(planned(config(0, 0.1, 8, 1000)), 0).seconds.expected, 101);
  // Half of it is done: a second to start and 50 steps.
  EXPECT_DOUBLE_EQ(forecast.predict(planned(config(0, 0.1)), 50).seconds.expected, 6);
}

TEST(Forecast, PrefersThisMachineAndNeverAnotherKindOfDevice) {
  auto elsewhere = past(config(0, 0.1), 30, "same");
  elsewhere.attempts[0].host = "beta";
  auto threads = past(config(1, 0.1), 60, "same");
  threads.attempts[0].threads = 1;
  auto gpu = past(config(3, 0.1), 2, "same");
  gpu.attempts[0].device = "cuda:1";
  const auto trial = planned(config(2, 0.1), "same");
  const auto far = Forecast({elsewhere, threads, gpu}, kHere, kRoles).predict(trial, 0);
  EXPECT_TRUE(far.elsewhere);
  EXPECT_EQ(far.trials, 2U);
  EXPECT_DOUBLE_EQ(far.seconds.expected, 45);
  const auto near = Forecast({elsewhere, threads, gpu, past(config(5, 0.3), 10)}, kHere, kRoles)
                        .predict(trial, 0);
  EXPECT_FALSE(near.elsewhere);
  EXPECT_EQ(near.basis, Basis::kShape);
  EXPECT_DOUBLE_EQ(near.seconds.expected, 10);
  EXPECT_DOUBLE_EQ(
      Forecast({elsewhere, gpu}, {"alpha", true, 1}, kRoles).predict(trial, 0).seconds.expected, 2);
}

TEST(Forecast, StepsThatWereDoneTwiceCountOnce) {
  // To step 60 and killed, on from the checkpoint of step 40.
  auto trial = past(config(0, 0.1), 7, "same");
  trial.attempts[0].state = TrialState::kInterrupted;
  trial.attempts[0].step = 60;
  trial.attempts[0].seconds_per_step = 0.1;
  auto rest = trial.attempts[0];
  rest.number = 2;
  rest.resumed_step = 40;
  rest.step = 100;
  trial.attempts.push_back(rest);
  const auto prediction =
      Forecast({trial}, kHere, kRoles).predict(planned(config(1, 0.1), "same"), 0);
  EXPECT_DOUBLE_EQ(prediction.seconds.expected, 11);  // a second to start up and 100 steps
}

TEST(Forecast, AnInterruptedTrialIsExtrapolatedWhereNothingElseIsKnown) {
  auto trial = past(config(0, 0.1), 6, "same");
  trial.state = TrialState::kInterrupted;
  trial.attempts[0].step = 50;
  trial.attempts[0].seconds_per_step = 0.1;
  const auto own = planned(config(0, 0.1), "same");
  EXPECT_DOUBLE_EQ(Forecast({trial}, kHere, kRoles).predict(own, 50).seconds.expected, 6);
  trial.attempts[0].step = 0;  // it died before it did anything
  EXPECT_EQ(Forecast({trial}, kHere, kRoles).predict(own, 0).basis, Basis::kNone);
}

TEST(Forecast, WithoutStepsATrialTakesAsLongAsBefore) {
  auto trial = past(config(0, 0.1), 10, "same");
  trial.attempts[0].step = trial.attempts[0].steps = 0;
  trial.attempts[0].seconds_per_step = 0;
  const auto prediction =
      Forecast({trial}, kHere, kRoles).predict(planned(config(1, 0.1), "same"), 0);
  EXPECT_DOUBLE_EQ(prediction.seconds.expected, 10);
}

TEST(Makespan, WorkersTakeTheNextTrialThatMayRun) {
  EXPECT_DOUBLE_EQ(makespan({{3, {}}, {2, {}}, {2, {}}}, 2), 4);
  EXPECT_DOUBLE_EQ(makespan({{3, {}}, {2, {}}, {2, {}}}, 1), 7);
  EXPECT_DOUBLE_EQ(makespan({{3, {}}, {2, {0}}, {2, {}}}, 2), 5);
  EXPECT_DOUBLE_EQ(makespan({}, 4), 0);
}

TEST(Makespan, WhatIsDoneHoldsNobodyUp) {
  EXPECT_DOUBLE_EQ(makespan({{0, {}}, {0, {}}, {2, {0}}, {2, {1}}}, 1), 4);
}

}  // namespace
}  // namespace mvn
