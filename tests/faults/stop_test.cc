// The runner is stopped or killed at a known moment; the same command finishes the rest.
#include <gtest/gtest.h>
#include <signal.h>

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

TEST_F(Stop, CtrlCWaitsForACheckpointAndTheSameCommandGoesOn) {
  auto run = run_to_the_second();
  run.signal(SIGINT);
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130) << stopped.out << stopped.err;
  EXPECT_TRUE(contains(stopped.out,
                       "stopping: 1 trial writes its checkpoint; Ctrl-C again stops at "
                       "once\n"))
      << stopped.out;
  EXPECT_TRUE(contains(stopped.out, "demo: 1 of 3 trials done, 1 interrupted, in ")) << stopped.out;
  EXPECT_TRUE(contains(stopped.out, "stopped; to continue, run the same command again:\n  "))
      << stopped.out;
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials ORDER BY rowid"),
            (Rows{"done|4", "interrupted|2", "planned|"}));

  const auto rest = run_the_rest();
  EXPECT_EQ(rest.end.exit_code, 0) << rest.out << rest.err;
  expect_complete();
  EXPECT_EQ(place_.rows("SELECT resumed_step FROM mvn_attempt WHERE attempt = 2"), Rows{"2"});
}

TEST_F(Stop, TerminationIsTheSameAsCtrlC) {
  auto run = run_to_the_second();
  run.signal(SIGTERM);
  EXPECT_EQ(run.finish().end.exit_code, 130);
  EXPECT_EQ(run_the_rest().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, ASecondCtrlCStopsAtOnce) {
  place_.write("sweep.yaml", sweep_text("steps: 4, hold_at: 2, holding: holding, proceed: proceed, "
                                        "ignore_stop: true",
                                        "1.0, 2.0, 3.0", "resources: {workers: 1}\n"));
  auto run = run_to_the_second();
  run.signal(SIGINT);
  run.wait_for("stopping:");
  run.signal(SIGINT);
  const auto stopped = run.finish();
  EXPECT_EQ(stopped.end.exit_code, 130) << stopped.out << stopped.err;
  EXPECT_EQ(place_.rows("SELECT state, step FROM trials ORDER BY rowid"),
            (Rows{"done|4", "interrupted|2", "planned|"}));
  EXPECT_EQ(run_the_rest().end.exit_code, 0);
  expect_complete();
}

TEST_F(Stop, AKilledRunnerTakesItsWorkersAlongAndLosesNothing) {
  auto run = run_to_the_second();
  run.signal(SIGKILL);
  EXPECT_EQ(run.finish().end.signal, SIGKILL);
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
