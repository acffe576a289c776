#include "orchestrate/run/searcher.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn {
namespace {

using State = Observation::State;

TrialHistory history(const std::string& id, TrialState state, std::vector<double> values) {
  TrialHistory history{id, state, {}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    history.curve[static_cast<std::int64_t>(i)] = values[i];
  }
  return history;
}

// A search of one draw, whose trials went so.
Observation seen(const std::vector<TrialHistory>& histories, bool maximize = false) {
  PlannedSearch search;
  search.points = {{0.5}};
  search.trials.emplace_back();
  for (const auto& each : histories) search.trials[0].push_back(each.id);
  const auto observations = observe(search, maximize, histories);
  EXPECT_EQ(observations.size(), 1U);
  EXPECT_EQ(observations[0].point, Point{0.5});
  return observations[0];
}

TEST(Searcher, ADrawsValueIsTheMeanOfWhatIsDone) {
  const auto both =
      seen({history("a", TrialState::kDone, {9, 1}), history("b", TrialState::kDone, {9, 2})});
  EXPECT_EQ(both.state, State::kFinished);
  EXPECT_EQ(both.value, 1.5);
  const auto one =
      seen({history("a", TrialState::kDone, {1}), history("b", TrialState::kRunning, {9}),
            history("c", TrialState::kStopped, {9})},
           /*maximize=*/true);
  EXPECT_EQ(one.state, State::kFinished);
  EXPECT_EQ(one.value, -1);
}

TEST(Searcher, WhatRunsOrWaitsIsNotKnownYet) {
  for (const auto state : {TrialState::kPlanned, TrialState::kRunning, TrialState::kInterrupted}) {
    EXPECT_EQ(seen({history("a", state, {1}), history("b", TrialState::kStopped, {2})}).state,
              State::kRunning);
  }
}

TEST(Searcher, WhatWasStoppedCountsByHowFarItCame) {
  const auto stopped = seen({history("a", TrialState::kStopped, {4, 2}),
                             history("b", TrialState::kStopped, {5, 4, 4, 4})});
  EXPECT_EQ(stopped.state, State::kStopped);
  EXPECT_EQ(stopped.value, 3);
  EXPECT_EQ(stopped.iterations, 3);
}

TEST(Searcher, WhatGaveNoValueFailed) {
  EXPECT_EQ(seen({history("a", TrialState::kDiverged, {1})}).state, State::kFailed);
  EXPECT_EQ(seen({history("a", TrialState::kFailed, {})}).state, State::kFailed);
  EXPECT_EQ(seen({history("a", TrialState::kDone, {1, std::nan("")})}).state, State::kFailed);
  EXPECT_EQ(seen({}).state, State::kFailed);  // left out by `exclude`
}

}  // namespace
}  // namespace mvn
