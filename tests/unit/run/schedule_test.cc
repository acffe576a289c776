#include "orchestrate/run/schedule.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

using Known = std::map<std::string, TrialState>;

PlannedTrial trial(const std::string& id, std::vector<std::string> depends_on = {}) {
  PlannedTrial trial;
  trial.id = id;
  trial.stage = "stage";
  trial.depends_on = std::move(depends_on);
  return trial;
}

std::vector<std::size_t> blocked(Schedule& schedule) {
  std::vector<std::size_t> trials;
  for (const auto& each : schedule.take_blocked()) trials.push_back(each.trial);
  return trials;
}

TEST(Schedule, GoesInTheOrderOfThePlan) {
  Schedule schedule({trial("a"), trial("b"), trial("c")}, {});
  EXPECT_EQ(schedule.next(), 0U);
  EXPECT_EQ(schedule.next(), 1U);
  schedule.finish(0, TrialState::kDone);
  EXPECT_EQ(schedule.next(), 2U);
  EXPECT_EQ(schedule.next(), std::nullopt);
  EXPECT_EQ(schedule.left(), 2U);
}

TEST(Schedule, LowRanksGoFirst) {
  std::vector<PlannedTrial> trials = {trial("a"), trial("b"), trial("c"), trial("d", {"a"})};
  trials[0].rank = 1;
  trials[1].rank = 2;
  trials[2].rank = 1;
  Schedule schedule(trials, {});
  EXPECT_EQ(schedule.first_ready(), 0U);
  EXPECT_EQ(schedule.next(), 0U);
  schedule.finish(0, TrialState::kDone);
  EXPECT_EQ(schedule.next(), 3U);
  EXPECT_EQ(schedule.next(), 2U);
  schedule.retry(2);
  EXPECT_EQ(schedule.next(), 2U);
  EXPECT_EQ(schedule.next(), 1U);
  EXPECT_EQ(schedule.first_ready(), std::nullopt);
}

TEST(Schedule, ATrialWaitsForAllItDependsOn) {
  Schedule schedule({trial("a"), trial("b"), trial("c", {"a", "b"}), trial("d")}, {});
  EXPECT_EQ(schedule.next(), 0U);
  EXPECT_EQ(schedule.next(), 1U);
  EXPECT_EQ(schedule.next(), 3U);
  schedule.finish(0, TrialState::kDone);
  EXPECT_FALSE(schedule.has_ready());
  schedule.finish(1, TrialState::kDone);
  EXPECT_EQ(schedule.next(), 2U);
}

TEST(Schedule, AFailureBlocksAllThatFollowFromIt) {
  Schedule schedule({trial("a"), trial("b", {"a"}), trial("c", {"b"}), trial("d")}, {});
  schedule.next();
  schedule.finish(0, TrialState::kFailed);
  const auto why = schedule.take_blocked();
  ASSERT_EQ(why.size(), 2U);
  EXPECT_EQ(why[0].trial, 1U);
  EXPECT_EQ(why[0].because_of, 0U);
  EXPECT_EQ(why[1].trial, 2U);
  EXPECT_EQ(why[1].because_of, 1U);
  EXPECT_EQ(schedule.state(2), TrialState::kBlocked);
  EXPECT_EQ(schedule.next(), 3U);
  EXPECT_TRUE(blocked(schedule).empty());
}

TEST(Schedule, ATrialWithTwoFailedUpstreamsIsBlockedOnce) {
  Schedule schedule({trial("a"), trial("b"), trial("c", {"a", "b"})}, {});
  schedule.next();
  schedule.next();
  schedule.finish(0, TrialState::kFailed);
  schedule.finish(1, TrialState::kDiverged);
  EXPECT_EQ(blocked(schedule), std::vector<std::size_t>{2});
}

TEST(Schedule, OneUpstreamDoneAfterAnotherFailedFreesNothing) {
  Schedule schedule({trial("a"), trial("b"), trial("c", {"a", "b"})}, {});
  schedule.next();
  schedule.next();
  schedule.finish(0, TrialState::kFailed);
  schedule.finish(1, TrialState::kDone);
  EXPECT_EQ(schedule.next(), std::nullopt);
  EXPECT_EQ(schedule.left(), 0U);
}

TEST(Schedule, AnInterruptionBlocksNothing) {
  Schedule schedule({trial("a"), trial("b", {"a"})}, {});
  schedule.next();
  schedule.finish(0, TrialState::kInterrupted);
  EXPECT_TRUE(blocked(schedule).empty());
  EXPECT_EQ(schedule.next(), std::nullopt);
  EXPECT_EQ(schedule.state(1), TrialState::kPlanned);
}

TEST(Schedule, WhatEndedBeforeIsNotRunAgain) {
  const Known known = {{"a", TrialState::kDone},
                       {"b", TrialState::kFailed},
                       {"c", TrialState::kInterrupted},
                       {"e", TrialState::kBlocked}};
  Schedule schedule({trial("a"), trial("b"), trial("c"), trial("d", {"a"}), trial("e", {"b"})},
                    known);
  EXPECT_EQ(schedule.count(TrialState::kDone), 1U);
  EXPECT_EQ(schedule.left(), 4U);
  EXPECT_EQ(schedule.next(), 1U);
  EXPECT_EQ(schedule.next(), 2U);
  EXPECT_EQ(schedule.next(), 3U);
  EXPECT_EQ(schedule.next(), std::nullopt);
}

TEST(Schedule, WhatDivergedBeforeStillBlocks) {
  Schedule schedule({trial("a"), trial("b", {"a"})}, {{"a", TrialState::kDiverged}});
  EXPECT_EQ(blocked(schedule), std::vector<std::size_t>{1});
  EXPECT_EQ(schedule.left(), 0U);
}

TEST(Schedule, WhatWasStoppedEarlyStaysAndBlocks) {
  Schedule schedule({trial("a"), trial("b", {"a"})}, {{"a", TrialState::kStopped}});
  EXPECT_EQ(blocked(schedule), std::vector<std::size_t>{1});
  EXPECT_EQ(schedule.ended(), 1U);
  EXPECT_EQ(schedule.left(), 0U);
}

TEST(Schedule, TakesTrialsThatAreDrawnLater) {
  Schedule schedule({trial("a")}, {});
  EXPECT_EQ(schedule.next(), 0U);
  schedule.add(trial("b", {"a"}));
  schedule.add(trial("c"));
  EXPECT_EQ(schedule.next(), 2U);
  schedule.finish(0, TrialState::kDone);
  EXPECT_EQ(schedule.next(), 1U);
  schedule.finish(1, TrialState::kFailed);
  schedule.add(trial("d", {"b"}));
  EXPECT_EQ(blocked(schedule), std::vector<std::size_t>{3});
}

TEST(Schedule, WhatIsHeldIsNotStartedAnyMore) {
  auto other = trial("c");
  other.stage = "other";
  auto after = trial("d", {"b"});
  after.stage = "other";
  Schedule schedule({trial("a"), trial("b"), other, after}, {});
  EXPECT_EQ(schedule.next(), 0U);
  schedule.hold("stage");
  EXPECT_EQ(schedule.held(), 2U);  // b, and d that waits for it
  EXPECT_EQ(schedule.left(), 2U);  // a runs, c is ready
  EXPECT_EQ(schedule.next(), 2U);
  EXPECT_EQ(schedule.next(), std::nullopt);
  EXPECT_EQ(schedule.state(1), TrialState::kPlanned);
  schedule.retry(0);
  EXPECT_EQ(schedule.next(), 0U);  // what had started may be tried again
}

TEST(Schedule, ATrialOfAnotherSweepIsThereAlready) {
  Schedule schedule({trial("a", {"elsewhere"})}, {});
  EXPECT_EQ(schedule.next(), 0U);
}

TEST(Schedule, WidthIsTheMostAtATime) {
  const std::vector<PlannedTrial> trials = {trial("a"), trial("b", {"a"}), trial("c", {"a"}),
                                            trial("d", {"a"}), trial("e", {"b"})};
  EXPECT_EQ(Schedule(trials, {}).width(), 3U);
  EXPECT_EQ(Schedule(trials, {{"a", TrialState::kDone}, {"b", TrialState::kDone}}).width(), 3U);
  EXPECT_EQ(Schedule({}, {}).width(), 0U);
}

}  // namespace
}  // namespace mvn
