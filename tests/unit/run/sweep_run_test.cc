#include "orchestrate/run/sweep_run.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <utility>

#include "common/json.h"
#include "fake_workplaces.h"
#include "orchestrate/store/query.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::FakeWorkplaces;
using Texts = std::vector<std::string>;

class NotedView : public View {
 public:
  void note(const std::string& text) override { notes.push_back(first_line(text)); }
  void detail(const std::string&) override {}
  void refresh(const RunStatus&, double) override {}
  void close() override {}

  Texts notes;

 private:
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
};

std::string loss(std::int64_t step, double value) {
  return Json{{"type", "metric"}, {"step", step}, {"values", {{"loss", value}}}}.dump();
}

ProcessEnd exit_of(int code) { return {code, {}}; }

// A sweep whose trials differ in their learning rate; each is a script.
class SweepRunTest : public testing::Test {
 protected:
  SweepRunTest() {
    plan_.name = "demo";
    plan_.file = results_ / "demo.yaml";
    plan_.metrics[""] = {"loss", false};
    plan_.limits.grace = 30;
    Description installed;
    installed.sections["training"] = {{.name = "batch_size", .role = ParamRole::kBatch},
                                      {.name = "micro_batch_size", .role = ParamRole::kMicroBatch}};
    plan_.roles = KeyRoles(installed);
  }

  void plan(std::size_t trials) {
    for (std::size_t i = 0; i < trials; ++i) {
      PlannedTrial trial;
      trial.id = std::string(63, 'a') + std::to_string(i);
      trial.id[0] = static_cast<char>('0' + i);
      trial.group = trial.id;
      trial.config = Json{{"seed", 0}, {"training", {{"batch_size", 8}, {"rate", i}}}};
      trial.parameters = Json{{"training.rate", i}};
      plan_.trials.push_back(trial);
    }
  }

  // Runs the plan to its end, by default in the places of the script and by its clock.
  void run() { run(places_, places_.clock(), {}); }
  void run(Workplaces& places, Clock clock, std::function<std::size_t()> draw) {
    store_.record_plan(plan_);
    Schedule schedule(plan_.trials, {});
    Signals signals;
    SweepRun sweep({.plan = plan_,
                    .results = results_.path(),
                    .store = store_,
                    .schedule = schedule,
                    .view = view_,
                    .signals = signals,
                    .workplaces = places,
                    .clock = std::move(clock),
                    .configuration = [](const PlannedTrial& trial) -> Json { return trial.config; },
                    .on_course = [this](Course course) { courses_.push_back(course); },
                    .draw = std::move(draw)});
    sweep.execute();
    given_up_ = sweep.given_up();
    endings_ = sweep.endings();
  }

  [[nodiscard]] TrialState state(std::size_t trial) const {
    for (const auto& each : store_.trials("demo")) {
      if (each.id == plan_.trials[trial].id) return each.state;
    }
    return TrialState::kPlanned;
  }

  const test::TemporaryFolder results_;
  SweepPlan plan_;
  Store store_{database_path(results_.path())};
  NotedView view_;
  FakeWorkplaces places_;
  std::string given_up_;
  std::set<std::string> endings_;
  std::vector<Course> courses_;
};

TEST_F(SweepRunTest, RunsTrialsInTheirOrderAndDismissesTheWorkersAtTheEnd) {
  plan(3);
  places_.resize(2);
  run();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(state(i), TrialState::kDone) << i;
  EXPECT_EQ(places_.asked(),
            (Texts{"start 0/1 at 0", "start 1/1 at 0", "start 2/1 at 1", "dismiss at 2"}));
  EXPECT_EQ(places_.most_at_once(), 2U);
}

TEST_F(SweepRunTest, ACrashIsTriedAgainOnce) {
  plan(1);
  places_.script({0, 1}, {{.after = 5, .end = exit_of(1)}});
  places_.script({0, 2}, {{.after = 5, .end = exit_of(1)}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "start 0/2 at 5", "dismiss at 10"}));
  EXPECT_EQ(state(0), TrialState::kFailed);
}

TEST_F(SweepRunTest, WhatWasKilledFromOutsideIsTriedThreeTimes) {
  plan(1);
  for (int number = 1; number <= 3; ++number) {
    places_.script({0, number}, {{.after = 1, .end = ProcessEnd{{}, 9}}});
  }
  run();
  EXPECT_EQ(places_.asked().size(), 5U);  // four starts
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, AConfigurationThatCannotWorkIsNotTriedAgain) {
  plan(1);
  places_.script({0, 1}, {{.after = 1, .reply = static_cast<int>(ExitCode::kBadConfig)}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "dismiss at 1"}));
  EXPECT_EQ(state(0), TrialState::kFailed);
}

TEST_F(SweepRunTest, OutOfMemoryHalvesTheMicroBatch) {
  plan(1);
  const auto full = static_cast<int>(ExitCode::kOutOfMemory);
  places_.script({0, 1}, {{.after = 1, .reply = full}});
  places_.script({0, 2}, {{.after = 1, .reply = full}});
  run();
  ASSERT_EQ(places_.configs().size(), 3U);
  EXPECT_FALSE(places_.configs()[0]["training"].contains("micro_batch_size"));
  EXPECT_EQ(places_.configs()[1]["training"]["micro_batch_size"], 4);
  EXPECT_EQ(places_.configs()[2]["training"]["micro_batch_size"], 2);
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, WhatTheKernelKilledForItsMemoryIsOutOfMemory) {
  plan(1);
  places_.script({0, 1}, {{.after = 1, .end = ProcessEnd{{}, 9}, .out_of_memory = true}});
  run();
  EXPECT_EQ(places_.configs().at(1)["training"]["micro_batch_size"], 4);
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, ATrialThatIsMovedGoesOnHoweverOften) {
  plan(1);
  for (int number = 1; number <= 9; ++number) {
    places_.script({0, number}, {{.after = 1, .moved = true}});
  }
  run();
  EXPECT_EQ(places_.asked().size(), 11U);  // ten starts
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, AMoveThatNobodyForesawCountsAsAFailureOfTheNode) {
  plan(1);
  for (int number = 1; number <= 9; ++number) {
    places_.script({0, number}, {{.after = 1, .moved = false}});
  }
  run();
  EXPECT_EQ(places_.asked().size(), 5U);  // four starts
  EXPECT_EQ(state(0), TrialState::kInterrupted);
}

TEST_F(SweepRunTest, OutOfMemoryBesideOthersIsTriedAlone) {
  plan(1);
  places_.script(
      {0, 1},
      {{.after = 1, .reply = static_cast<int>(ExitCode::kOutOfMemory), .shared_gpu = true}});
  run();
  EXPECT_EQ(places_.asked(),
            (Texts{"start 0/1 at 0", "overflow 0 at 1", "start 0/2 at 1", "dismiss at 2"}));
  EXPECT_FALSE(places_.configs()[1]["training"].contains("micro_batch_size"));
}

TEST_F(SweepRunTest, AMeasuredPeakIsLearnt) {
  plan(1);
  places_.script({0, 1}, {{.after = 1,
                           .lines = {R"({"type":"cost","values":{"peak_device_bytes":4096}})"},
                           .reply = 0}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "learn 4096 at 1", "dismiss at 1"}));
}

TEST_F(SweepRunTest, ShapesAreMadeOnlyWhereMemoryIsShared) {
  plan(2);
  run();
  ASSERT_EQ(places_.shapes().size(), 2U);
  EXPECT_EQ(places_.shapes()[0], canonical_json(plan_.roles.shape(plan_.trials[0].config)));
}

TEST_F(SweepRunTest, ShapesCostNothingWhereNoMemoryIsShared) {
  plan(2);
  places_.shared_memory = false;
  run();
  EXPECT_EQ(places_.shapes(), (Texts{"", ""}));
}

TEST_F(SweepRunTest, WhatDoesNotFitBesideOthersWaits) {
  plan(3);
  places_.resize(3);
  places_.fits = [](std::size_t trial) { return trial != 1; };
  places_.script({0, 1}, {{.after = 10, .reply = 0}});
  run();
  // Nor does the third pass the second.
  EXPECT_EQ(places_.asked(),
            (Texts{"start 0/1 at 0", "start 1/1 at 10", "start 2/1 at 10", "dismiss at 11"}));
}

TEST_F(SweepRunTest, ATrialThatTakesTooLongIsToldAndThenKilled) {
  plan(1);
  plan_.limits.time = 10;
  places_.script({0, 1}, {});
  places_.make_deaf({0, 1});
  run();
  ASSERT_EQ(places_.asked().size(), 4U);
  EXPECT_TRUE(places_.asked()[1].starts_with("checkpoint 0/1 at 10"));
  EXPECT_TRUE(places_.asked()[2].starts_with("kill 0/1 at 40"));
  EXPECT_EQ(state(0), TrialState::kFailed);
  EXPECT_EQ(view_.notes, (Texts{"FAILED demo: timed out: ran longer than limits.time, 10.0 s"}));
}

TEST_F(SweepRunTest, SilenceIsAHangAndIsTriedAgain) {
  plan(1);
  plan_.limits.silence = 10;
  places_.script({0, 1}, {{.after = 8, .lines = {loss(1, 0.5)}}});
  run();
  ASSERT_EQ(places_.asked().size(), 4U);
  EXPECT_TRUE(places_.asked()[1].starts_with("checkpoint 0/1 at 18"));  // 10 s after it was heard
  EXPECT_TRUE(places_.asked()[2].starts_with("start 0/2 at 18"));
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, AnAttemptThatWaitsInAQueueIsNeitherSilentNorSlow) {
  plan(1);
  plan_.limits.silence = 10;
  plan_.limits.time = 10;
  places_.queue({0, 1}, 1000);
  places_.script({0, 1}, {{.after = 9, .reply = 0}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "dismiss at 1009"}));
  EXPECT_EQ(state(0), TrialState::kDone);
}

TEST_F(SweepRunTest, ATrialThatIsNotWorthFinishingIsStopped) {
  plan(2);
  StoppingRule rule = stopping_rule(*stop_method("asha"), {{"min_iter", 2}, {"eta", 2}});
  rule.rungs = {2};
  plan_.stopping[""] = rule;
  places_.script({0, 1}, {{.after = 1, .lines = {loss(1, 0.1), loss(2, 0.1)}, .reply = 0}});
  places_.script({1, 1},
                 {{.after = 1, .lines = {loss(1, 0.9), loss(2, 0.9)}}, {.after = 100, .reply = 0}});
  run();
  EXPECT_EQ(state(0), TrialState::kDone);
  EXPECT_EQ(state(1), TrialState::kStopped);
  EXPECT_TRUE(places_.asked()[2].starts_with("checkpoint 1/1"));
}

TEST_F(SweepRunTest, NothingStartsOnceTheTargetIsReached) {
  plan(3);
  plan_.metrics[""].target = 0.5;
  places_.script({0, 1}, {{.after = 1, .lines = {loss(1, 0.4)}, .reply = 0}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "dismiss at 1"}));
  EXPECT_EQ(endings_.size(), 1U);
  EXPECT_EQ(state(1), TrialState::kPlanned);
}

TEST_F(SweepRunTest, TheSameErrorOfThreeConfigurationsEndsTheSweep) {
  plan(5);
  plan_.retry.crash = 0;
  for (std::size_t i = 0; i < 5; ++i) places_.script({i, 1}, {{.after = 1, .end = exit_of(1)}});
  run();
  EXPECT_EQ(places_.asked().size(), 4U);  // three starts
  EXPECT_TRUE(given_up_.starts_with("3 configurations failed with the same error before reporting"))
      << given_up_;
}

TEST_F(SweepRunTest, APausedRunStartsNothingUntilItIsResumed) {
  plan(2);
  places_.script({0, 1}, {{.after = 1, .also = [] { ::raise(SIGUSR1); }},
                          {.after = 1, .also = [] { ::raise(SIGUSR2); }},
                          {.after = 1, .reply = 0}});
  run();
  EXPECT_EQ(state(1), TrialState::kDone);
  EXPECT_EQ(courses_, (std::vector<Course>{Course::kPaused, Course::kRunning}));
}

TEST_F(SweepRunTest, ADrainingRunEndsWhatRuns) {
  plan(2);
  places_.script({0, 1}, {{.after = 1, .also = [] { ::raise(SIGINT); }}, {.after = 9, .reply = 0}});
  run();
  EXPECT_EQ(places_.asked(), (Texts{"start 0/1 at 0", "dismiss at 10"}));
  EXPECT_EQ(state(0), TrialState::kDone);
  EXPECT_EQ(state(1), TrialState::kPlanned);
}

TEST_F(SweepRunTest, AStoppingRunTellsTrialsToWriteACheckpoint) {
  plan(2);
  places_.script({0, 1}, {{.after = 1, .also = [] { ::raise(SIGTERM); }}});
  run();
  ASSERT_EQ(places_.asked().size(), 3U);
  EXPECT_EQ(places_.asked()[1], "checkpoint 0/1 at 1");
  EXPECT_EQ(state(0), TrialState::kInterrupted);
  EXPECT_EQ(state(1), TrialState::kPlanned);
}

TEST_F(SweepRunTest, AKillingRunKillsWhatRuns) {
  plan(2);
  places_.make_deaf({0, 1});
  places_.script({0, 1}, {{.after = 1, .also = [] { ::raise(SIGINT); }},
                          {.after = 1, .also = [] { ::raise(SIGINT); }},
                          {.after = 1, .also = [] { ::raise(SIGINT); }}});
  run();
  EXPECT_EQ(places_.asked(),
            (Texts{"start 0/1 at 0", "checkpoint 0/1 at 2", "kill 0/1 at 3", "dismiss at 3"}));
  EXPECT_EQ(state(0), TrialState::kInterrupted);
  EXPECT_EQ(courses_,
            (std::vector<Course>{Course::kDraining, Course::kStopping, Course::kKilling}));
}

TEST_F(SweepRunTest, AProgramThatCannotStartFailsWithTheReason) {
  plan(1);
  LocalWorkplaces places({.places = {Place{}},
                          .worker = {{"/no/such/worker"}, {}, {}},
                          .programs_folder = results_.path()});
  run(places, steady_clock(), {});
  EXPECT_EQ(state(0), TrialState::kFailed);
  ASSERT_EQ(view_.notes.size(), 1U);
  EXPECT_TRUE(
      view_.notes[0].starts_with("FAILED demo: bad configuration: cannot start '/no/such/worker'"))
      << view_.notes[0];
}

TEST_F(SweepRunTest, ADrawThatDoesNotFitOnTheDiskIsDrawnOnceThereIsSpace) {
  plan_.searches[""].draws = 1;
  int calls = 0;
  run(places_, steady_clock(), [&]() -> std::size_t {
    if (++calls == 1) throw DiskFull("results.db: the disk is full");
    plan_.searches[""].draws = 0;
    return 0;
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(given_up_, "");
  EXPECT_EQ(view_.notes, (Texts{"WAITING for space on the disk: results.db: the disk is full",
                                "going on: the disk has space again"}));
}

}  // namespace
}  // namespace mvn
