#include "orchestrate/slurm/slurm_workplaces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <deque>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::TemporaryFolder;

// A worker in shell: it answers each trial with what `on_trial` does, where $t is the trial's file,
// and a request for a checkpoint by the code for that.
std::vector<std::string> shell_worker(const std::string& on_trial) {
  return {"/bin/sh", "-c",
          "while read -r line; do t=${line#*:\\\"}; t=${t%\\\"*}; case $line in "
          "*checkpoint*) echo \"{\\\"trial\\\":\\\"$t\\\",\\\"code\\\":75}\";; *) " +
              on_trial + ";; esac; done"};
}
constexpr const char* kDone = "echo \"{\\\"trial\\\":\\\"$t\\\",\\\"code\\\":0}\"";
constexpr const char* kRuns = ":";

Place cpu_place(std::string name) {
  Place place;
  place.name = std::move(name);
  place.device = "cpu";
  return place;
}

// The answers of a Slurm, in their order; the last one again and again.
class Answered : public Question {
 public:
  explicit Answered(std::string output) : output_(std::move(output)) {}
  std::optional<Answer> poll() override { return Answer{true, output_, ""}; }

 private:
  std::string output_;
};

// 2026-01-31T12:00:00, in the time zone of this machine, as Slurm writes it.
double noon() {
  tm parts{};
  parts.tm_year = 126;
  parts.tm_mday = 31;
  parts.tm_hour = 12;
  parts.tm_isdst = -1;
  return static_cast<double>(::mktime(&parts));
}

// One place here, which is taken, and one on a node that comes.
class SlurmWorkplacesTest : public testing::Test {
 protected:
  void make(const std::string& on_trial, std::string node = "12|12|RUNNING|n2|N/A\n") {
    answers_ = {"12\n", std::move(node)};
    const auto say = [this](const std::string& line) { said_.push_back(line); };
    const auto clock = [this] { return now_; };
    SlurmWorkplaces::Parts parts{
        .local = {.places = {cpu_place("cpu")},
                  .worker = {shell_worker(on_trial), {}, {}},
                  .programs_folder = folder_.path()},
        .holders = {.request = {},
                    .sweep = "demo",
                    .runner = "7",
                    .log = "node-%j.log",
                    .most = 1,
                    .clock = clock,
                    .say = say,
                    .ask =
                        [this](const std::vector<std::string>&) {
                          auto answer = answers_.front();
                          if (answers_.size() > 1) answers_.pop_front();
                          return std::make_unique<Answered>(std::move(answer));
                        }},
        .places_of =
            [](const HeldNode& held) {
              Place place = cpu_place("cpu of " + held.name);
              place.launcher = {"env"};
              return std::vector<Place>{place};
            },
        .grace = 100,
        .clock = clock,
        .time = [this] { return time_; },
        .say = say};
    places_ = std::make_unique<SlurmWorkplaces>(std::move(parts));
    places_->learn_backlog(1);
    for (int i = 0; i < 8; ++i) {  // the node comes
      events(0);
      now_ += 1;
    }
  }

  AttemptName start(std::size_t place, const Json& config = Json::object()) {
    const AttemptName name{next_++, 1};
    const TrialPaths paths{folder_ / ("trial-" + std::to_string(name.trial))};
    std::filesystem::create_directories(paths.attempt(1));
    places_->start({name, place, paths, config, ""});
    return name;
  }

  std::vector<WorkplaceEvent> events(double seconds = 5) {
    return places_->wait(std::chrono::duration<double>(seconds), -1);
  }
  // The next one that is no start.
  template <typename Event>
  std::optional<Event> next() {
    for (int i = 0; i < 1000; ++i) {
      for (auto& event : events(0.05)) {
        if (const auto* wanted = std::get_if<Event>(&event)) return *wanted;
        if (!std::holds_alternative<Started>(event)) return std::nullopt;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] bool said(const std::string& words) const {
    return std::ranges::any_of(said_,
                               [&](const auto& each) { return each.find(words) != each.npos; });
  }

  TemporaryFolder folder_;
  std::deque<std::string> answers_;
  std::vector<std::string> said_;
  double now_ = 0;
  double time_ = 0;
  std::size_t next_ = 0;
  std::unique_ptr<SlurmWorkplaces> places_;
};

TEST_F(SlurmWorkplacesTest, ANodeThatComesTakesTrials) {
  make(kDone);
  EXPECT_TRUE(said("n2 joins: 1 worker (job 12)"));
  start(0);
  ASSERT_EQ(places_->can_take(1, "").value().name, "cpu of n2");
  start(1);
  EXPECT_TRUE(next<Replied>());
}

TEST_F(SlurmWorkplacesTest, WhatSlurmEndsIsTheNodesFault) {
  make("echo 'srun: error: Node failure on n2' >&2; exit 1");
  start(1);
  const auto ended = next<Ended>();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->end.signal, 9);
  EXPECT_EQ(places_->can_take(9, "").value().number, 0U);  // the seat here is free as well
}

TEST_F(SlurmWorkplacesTest, WhatAProgramDoesIsItsOwn) {
  make("echo 'srun: error: n2: task 0: Exited with exit code 3' >&2; exit 3");
  start(1);
  const auto ended = next<Ended>();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->end.exit_code, 3);
  make("exit 139");
  start(1);
  EXPECT_EQ(next<Ended>().value().end.signal, 11);
}

TEST_F(SlurmWorkplacesTest, AJobThatIsGoneTakesNoMoreTrials) {
  make("echo 'srun: error: Slurm job 12 has expired' >&2; exit 1");
  start(1);
  EXPECT_EQ(next<Ended>().value().end.signal, 9);
  EXPECT_TRUE(said("n2 leaves: Slurm has ended its job"));
}

// Of which srun makes no failure.
TEST_F(SlurmWorkplacesTest, ANodeThatFailedIsLeftAtOnce) {
  const std::string dies = "echo 'srun: error: Node failure on n2' >&2; exit 0";
  make(dies);
  start(1);
  EXPECT_EQ(next<Ended>().value().end.signal, 9);
  EXPECT_TRUE(said("n2 leaves: it failed, says Slurm"));
  make(kRuns);
  start(1, {{"worker", {{"command", {"/bin/sh", "-c", dies}}}}});
  EXPECT_EQ(next<Ended>().value().end.signal, 9);
}

TEST_F(SlurmWorkplacesTest, ThreeFailuresWithinAMinuteAreTooMany) {
  make("echo 'srun: error: Task launch failed' >&2; exit 1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(said("n2 leaves"));
    start(1);
    EXPECT_EQ(next<Ended>().value().end.signal, 9);
  }
  EXPECT_TRUE(said("n2 leaves: 3 trials died with it within a minute: srun: error: Task launch"));
}

TEST_F(SlurmWorkplacesTest, WhatIsKilledInItsControlGroupIsOutOfMemory) {
  for (const auto* said : {"slurmstepd: error: Detected 1 oom_kill event in StepId=12.0. Some of "
                           "the step tasks have been OOM Killed.",
                           "srun: error: n2: task 0: Out Of Memory"}) {
    make("echo '" + std::string(said) + "' >&2; exit 137");
    for (int i = 0; i < 4; ++i) {  // which is no reason to leave the node
      start(1);
      EXPECT_TRUE(next<Ended>().value().out_of_memory) << said;
    }
  }
}

// As a node's failure it is tried again, and not for ever.
TEST_F(SlurmWorkplacesTest, ACheckpointThatNobodyAskedForIsOfSlurm) {
  make("echo \"{\\\"trial\\\":\\\"$t\\\",\\\"code\\\":75}\"");
  start(1);
  EXPECT_FALSE(next<Moved>().value().foreseen);
}

TEST_F(SlurmWorkplacesTest, ACheckpointThatWasAskedForIsTheRuns) {
  make(kRuns);
  const auto attempt = start(1);
  events(0);
  places_->checkpoint(attempt);
  EXPECT_EQ(next<Replied>().value().code, 75);
}

TEST_F(SlurmWorkplacesTest, ANodeNearItsEndIsLeftInTime) {
  make(kRuns, "12|12|RUNNING|n2|2026-01-31T12:00:00\n");
  start(1);
  events(0);
  EXPECT_FALSE(said("n2 leaves"));
  time_ = 1e10;
  EXPECT_TRUE(next<Moved>().value().foreseen);
  EXPECT_TRUE(said("n2 leaves: its time is nearly over"));
  EXPECT_EQ(places_->can_take(9, "").value().number, 0U);
}

TEST_F(SlurmWorkplacesTest, ANodeNearItsEndTakesNoTrialThatIsLongerThanWhatIsLeft) {
  time_ = noon() - 3000;
  make(kDone, "12|12|RUNNING|n2|2026-01-31T12:00:00\n");
  start(0);
  now_ += 1000;
  EXPECT_TRUE(next<Replied>());
  time_ = noon() - 1170;  // a trial takes 1000, and a node is left 160 before its end
  events(0);
  start(0);
  EXPECT_EQ(places_->can_take(9, "").value().name, "cpu of n2");
  time_ = noon() - 1150;
  events(0);
  events(0);
  EXPECT_FALSE(places_->can_take(9, ""));
  EXPECT_TRUE(said("n2 leaves: what is left of its time is too short"));
}

// On any node trials as long as that go on from checkpoints.
TEST_F(SlurmWorkplacesTest, ATrialThatIsLongerThanANodesTimeIsTakenAllTheSame) {
  time_ = noon() - 900;
  make(kDone, "12|12|RUNNING|n2|2026-01-31T12:00:00\n");
  start(0);
  now_ += 1000;
  EXPECT_TRUE(next<Replied>());
  events(0);
  start(0);
  EXPECT_EQ(places_->can_take(9, "").value().name, "cpu of n2");
}

TEST_F(SlurmWorkplacesTest, ANodeWithNothingToDoIsGivenBack) {
  make(kDone);
  places_->learn_backlog(0);
  events(0);
  now_ += 59;
  events(0);
  EXPECT_FALSE(said("n2 leaves"));
  now_ += 2;
  events(0);
  EXPECT_TRUE(said("n2 leaves: there is nothing for it to do"));
}

// A program of the user's is told by SIGTERM, as on this machine.
TEST_F(SlurmWorkplacesTest, AProgramOfTheUsersIsToldToEnd) {
  make(kRuns);
  const auto ready = folder_ / "ready";
  const Json command = {
      "/bin/sh", "-c",
      "trap 'exit 75' TERM; touch " + ready.string() + "; while :; do sleep 0.05; done"};
  const auto attempt = start(1, {{"worker", {{"command", command}}}});
  for (int i = 0; i < 1000 && !std::filesystem::exists(ready); ++i) events(0.05);
  places_->checkpoint(attempt);
  const auto ended = next<Ended>();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->end.exit_code, 75);
}

TEST_F(SlurmWorkplacesTest, AProgramOfTheUsersEndsByItself) {
  make(kRuns);
  start(1, {{"worker", {{"command", {"/bin/sh", "-c", "exit 7"}}}}});
  EXPECT_EQ(next<Ended>().value().end.exit_code, 7);
}

}  // namespace
}  // namespace mvn
