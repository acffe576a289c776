// The runner is stopped or killed at a known moment; the same command finishes the rest.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Three trials, one at a time, each of which holds after step 2 of 4.
class Stop : public testing::Test {
 protected:
  Stop() {
    place_.write("sweep.yaml",
                 sweep_text("steps: 4, hold_at: 2, holding: holding, proceed: proceed",
                            "1.0, 2.0, 3.0", "resources: {workers: 1}\n"));
  }
  // Until the second trial holds.
  Running run_to_the_second() {
    auto run = place_.start({"sweep.yaml"});
    holding_.line();
    proceed_.release(1);
    worker_ = holding_.line();
    return run;
  }
  // The rest, without holding.
  Finished run_the_rest() {
    proceed_.release(10);
    return place_.run({"sweep.yaml"});
  }
  void expect_complete() {
    EXPECT_EQ(place_.rows("SELECT state, count(*) FROM trials GROUP BY state"), Rows{"done|3"});
    // Each step of each trial once, whoever reported it.
    EXPECT_EQ(place_.rows("SELECT count(*), count(DISTINCT trial || '/' || step) FROM metrics "
                          "WHERE name = 'train/loss'"),
              Rows{"12|12"});
    EXPECT_EQ(place_.rows("SELECT count(*) FROM metrics WHERE name = 'eval/accuracy'"), Rows{"3"});
  }

  Workplace place_;
  Fifo holding_{place_ / "holding"};
  Fifo proceed_{place_ / "proceed"};
  std::string worker_;  // "trial pid"
};

TEST_F(Stop, CtrlCLetsRunningTrialsFinish) {
  auto run = run_to_the_second();
  run.signal(SIGINT);
  EXPECT_EQ(run.wait_for("draining:"),
            "draining: no new trials start, 1 trial runs to its end; Ctrl-C again stops now, at a "
            "checkpoint");
  proceed_.release(1);
  const auto drained = run.finish();
  EXPECT_EQ(drained.end.exit_code, 130) << drained.out << drained.err;
  EXPECT_TRUE(contains(drained.out, "demo: 2 of 3 trials done, in ")) << drained.out;
  EXPECT_TRUE(contains(drained.out, "stopped; to continue, run the same command again:\n  "))
      << drained.out;
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials"), (Rows{"done|4", "done|4", "planned|"}));
  EXPECT_EQ(run_the_rest().end.exit_code, 0);
  expect_complete();
  EXPECT_EQ(place_.rows("SELECT count(*) FROM mvn_attempt"), Rows{"3"});
}

TEST_F(Stop, ASecondCtrlCWaitsForACheckpointAndTheSameCommandGoesOn) {
  auto run = run_to_the_second();
  run.signal(SIGINT);
  run.wait_for("draining:");
  run.signal(SIGINT);
  EXPECT_EQ(run.wait_for("stopping:"),
            "stopping: 1 trial writes its checkpoint; Ctrl-C again kills at once");
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130) << stopped.out << stopped.err;
  EXPECT_TRUE(contains(stopped.out, "demo: 1 of 3 trials done, 1 interrupted, in ")) << stopped.out;
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials"),
            (Rows{"done|4", "interrupted|2", "planned|"}));

  const auto rest = run_the_rest();
  EXPECT_EQ(rest.end.exit_code, 0) << rest.out << rest.err;
  expect_complete();
  EXPECT_EQ(place_.rows("SELECT resumed_step FROM mvn_attempt WHERE attempt = 2"), Rows{"2"});
}

TEST_F(Stop, TerminationStopsAtOnceHoweverOftenItComes) {
  auto run = run_to_the_second();
  run.signal(SIGTERM);
  run.signal(SIGHUP);
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130);
  EXPECT_FALSE(contains(stopped.out, "killing:")) << stopped.out;
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials"),
            (Rows{"done|4", "interrupted|2", "planned|"}));
  EXPECT_EQ(run_the_rest().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, AnIgnoredHangUpStaysIgnored) {
  auto run = place_.start_ignoring("HUP", {"sweep.yaml"});
  holding_.line();
  run.signal(SIGHUP);
  proceed_.release(3);
  EXPECT_EQ(run.finish().end.exit_code, 0);
  expect_complete();
}

// Started in the background of a script it cannot be interrupted from the terminal, but still
// asked.
TEST_F(Stop, DrainIsHeardWhereInterruptsAreIgnored) {
  auto run = place_.start_ignoring("INT", {"sweep.yaml"});
  holding_.line();
  EXPECT_EQ(place_.run({"drain"}).end.exit_code, 0);
  run.wait_for("draining:");
  proceed_.release(1);
  EXPECT_EQ(run.finish().end.exit_code, 130);
  EXPECT_EQ(run_the_rest().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, ALockedDatabaseIsWaitedFor) {
  auto run = run_to_the_second();
  {
    SQLite::Database other((place_ / "results/results.db").string(), SQLite::OPEN_READWRITE);
    const SQLite::Transaction lock(other, SQLite::TransactionBehavior::IMMEDIATE);
    proceed_.release(2);
    const auto said = run.wait_for("WAITING");
    EXPECT_TRUE(
        said.starts_with("WAITING for the database: " + (place_ / "results/results.db").string() +
                         ": process " + std::to_string(::getpid()) + " ("))
        << said;
    EXPECT_TRUE(said.ends_with(") keeps it locked: let that finish, or close it")) << said;
  }
  EXPECT_EQ(run.wait_for("going on"), "going on: the database is free again");
  EXPECT_EQ(run.finish().end.exit_code, 0);
  expect_complete();
}

// Trials that do not stop when they are asked to.
class StubbornStop : public Stop {
 protected:
  void write_sweep(const std::string& more) {
    place_.write("sweep.yaml", sweep_text("steps: 4, hold_at: 2, holding: holding, proceed: "
                                          "proceed, ignore_stop: true",
                                          "1.0, 2.0, 3.0", "resources: {workers: 1}\n" + more));
  }
  void expect_interrupted_and_continue() {
    EXPECT_EQ(place_.rows("SELECT state, step FROM trials"),
              (Rows{"done|4", "interrupted|2", "planned|"}));
    EXPECT_EQ(run_the_rest().end.exit_code, 0);
    expect_complete();
  }
};

TEST_F(StubbornStop, AThirdCtrlCKillsAtOnce) {
  write_sweep("");
  auto run = run_to_the_second();
  for (const auto* said :
       {"draining:", "stopping:", "killing: 1 trial ends without a checkpoint"}) {
    run.signal(SIGINT);
    run.wait_for(said);
  }
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130) << stopped.out << stopped.err;
  expect_interrupted_and_continue();
}

TEST_F(StubbornStop, TheGraceOfTheSweepEndsIt) {
  write_sweep("limits: {grace: 0.1s}\n");
  auto run = run_to_the_second();
  run.signal(SIGTERM);
  EXPECT_EQ(run.finish().end.exit_code, 130);
  expect_interrupted_and_continue();
}

TEST_F(Stop, AKilledRunnerTakesItsWorkersAlongAndLosesNothing) {
  auto run = run_to_the_second();
  const Stranger worker(std::stoi(worker_.substr(worker_.find(' '))));
  run.signal(SIGKILL);
  EXPECT_EQ(run.finish().end.signal, SIGKILL);
  worker.wait_until_gone();
  const auto rest = run_the_rest();
  EXPECT_EQ(rest.end.exit_code, 0) << rest.out << rest.err;
  expect_complete();
  EXPECT_EQ(place_.rows("SELECT state, step FROM mvn_attempt WHERE attempt = 1 ORDER BY trial"),
            (Rows{"done|4", "interrupted|2", "done|4"}));
}

TEST_F(Stop, ASecondRunnerSaysWhoIsThere) {
  auto first = run_to_the_second();
  const auto second = place_.run({"sweep.yaml"});
  EXPECT_EQ(second.end.exit_code, 1) << second.out;
  EXPECT_TRUE(
      second.err.starts_with("mvn-runner: results is in use by another mvn-runner, process " +
                             std::to_string(first.pid()) + " on "))
      << second.err;
  EXPECT_TRUE(second.err.ends_with(
      ": wait for it to end, stop it, or choose another folder with --results\n"))
      << second.err;
  proceed_.release(2);
  EXPECT_EQ(first.finish().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, APausedRunnerStartsNothingUntilItIsResumed) {
  auto run = run_to_the_second();
  const auto process = "process " + std::to_string(run.pid());
  const auto paused = place_.run({"pause"});
  EXPECT_EQ(paused.end.exit_code, 0) << paused.err;
  EXPECT_EQ(paused.out,
            "asked " + process + " to pause: running trials go on, no new ones start\n");
  EXPECT_EQ(run.wait_for("paused:"),
            "paused: no new trials start, 1 trial runs on; mvn-runner resume goes on");
  proceed_.release(2);  // a third trial would take the second byte and end
  run.wait_for("[2/3] done");
  EXPECT_TRUE(contains(place_.run({"status"}).out, process)) << "it waits";
  EXPECT_EQ(place_.rows("SELECT state FROM trials"), (Rows{"done", "done", "planned"}));
  EXPECT_EQ(place_.run({"resume"}).out, "asked " + process + " to resume\n");
  EXPECT_EQ(run.wait_for("resumed"), "resumed");
  EXPECT_EQ(run.finish().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, DrainAndStopAreAskedForFromAnotherTerminal) {
  auto run = run_to_the_second();
  const auto process = "process " + std::to_string(run.pid());
  EXPECT_EQ(
      place_.run({"drain"}).out,
      "asked " + process + " to drain: running trials go on to their end, no new ones start\n");
  run.wait_for("draining:");
  EXPECT_EQ(place_.run({"drain"}).out, process + " is draining already\n");
  EXPECT_EQ(place_.run({"stop"}).out,
            "asked " + process + " to stop: running trials write a checkpoint and end\n");
  run.wait_for("stopping:");
  EXPECT_EQ(run.finish().end.exit_code, 130);
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials"),
            (Rows{"done|4", "interrupted|2", "planned|"}));
  const auto gone = place_.run({"stop"});
  EXPECT_EQ(gone.end.exit_code, 1);
  EXPECT_EQ(gone.err,
            "mvn-runner: no runner is at work in results; give its folder with --results\n");
}

TEST(StopEarly, CtrlCWhilePreparing) {
  Workplace place;
  Fifo holding(place / "holding");
  place.write("sweep.yaml",
              sweep_text("", "0.1",
                         "prepare:\n  - {command: [sh, -c, 'echo here > holding; sleep "
                         "1000'], creates: d}\n"));
  auto run = place.start({"sweep.yaml"});
  EXPECT_EQ(holding.line(), "here");
  run.signal(SIGINT);
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130);
  EXPECT_EQ(stopped.err, "mvn-runner: interrupted\n");
  EXPECT_FALSE(place.has("results"));
}

}  // namespace
}  // namespace mvn::test
