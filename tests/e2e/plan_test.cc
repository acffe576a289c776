// `mvn-runner plan`: what a run would do.
#include <gtest/gtest.h>

#include <csignal>

#include "common/json.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Plan, ShowsTheTrialsAndWritesNothing) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.01", "resources: {workers: 1, threads: 1}\n"));
  const auto plan = place.run({"plan", "sweep.yaml"});
  EXPECT_EQ(plan.end.exit_code, 0) << plan.err;
  EXPECT_TRUE(contains(plan.out, "\nlr=0.01  new    train  unknown   -  ")) << plan.out;
  EXPECT_TRUE(contains(plan.out,
                       "demo: 2 trials, 0 done, 2 to run\n"
                       "time: unknown on 1 worker of 1 thread on cpu: no earlier trial of these "
                       "results is like them\n"))
      << plan.out;
  EXPECT_FALSE(place.has("results"));
  EXPECT_EQ(place.run({"sweep.yaml", "--dry-run"}).out, plan.out);
}

// As a run takes them.
TEST(Plan, TakesValuesBehindTheSweep) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.01", "resources: {workers: 1, threads: 1}\n"));
  const auto plan =
      place.run({"plan", "sweep.yaml", "optimizer.lr=0.5", "repeats.seeds=[0, 1, 2]"});
  EXPECT_EQ(plan.end.exit_code, 0) << plan.err;
  EXPECT_TRUE(contains(plan.out, "demo: 3 trials, 0 done, 3 to run\n")) << plan.out;
  EXPECT_EQ(
      place.run({"sweep.yaml", "--dry-run", "optimizer.lr=0.5", "repeats.seeds=[0, 1, 2]"}).out,
      plan.out);
  EXPECT_EQ(
      place.run({"plan", "--set", "optimizer.lr=0.5", "repeats.seeds=[0, 1, 2]", "sweep.yaml"}).out,
      plan.out);
}

TEST(Plan, RefusesTheArgumentsThatARunRefuses) {
  Workplace place;
  place.write("sweep.yaml", sweep_text(""));
  const auto refused = [&](const std::vector<std::string>& words) {
    std::string said;
    for (const auto& ways : {std::vector<std::string>{"plan", "sweep.yaml"},
                             {"sweep.yaml"},
                             {"sweep.yaml", "--dry-run"}}) {
      auto arguments = ways;
      arguments.insert(arguments.end(), words.begin(), words.end());
      const auto run = place.run(arguments);
      EXPECT_EQ(run.end.exit_code, 64) << run.out;
      EXPECT_TRUE(said.empty() || said == run.err) << run.err;
      said = run.err;
    }
    return said;
  };
  EXPECT_EQ(refused({"nonsense.key=5"}),
            "command line: unknown key 'nonsense'\n  nonsense.key=5\n  ^\n");
  EXPECT_EQ(refused({"other.yaml"}),
            "mvn-runner: unexpected argument 'other.yaml'; see mvn-runner --help\n");
  EXPECT_EQ(refused({"--dryrun"}),
            "mvn-runner: unknown option '--dryrun'; did you mean '--dry-run'?\n");
  EXPECT_EQ(place.run({"plan", "training.epochs=1"}).err,
            "mvn-runner: which sweep? Give its file before 'training.epochs=1'; see mvn-runner "
            "--help\n");
}

TEST(Plan, PredictsFromEarlierTrials) {
  Workplace place;
  place.write("sweep.yaml",
              sweep_text("memory: 1048576, disk: 2048", "0.1, 0.01", "repeats: {seeds: [0]}\n"));
  ASSERT_EQ(place.run({"sweep.yaml", "--set", "optimizer.lr=0.1"}).end.exit_code, 0);
  const auto plan = Json::parse(
      place.run({"plan", "sweep.yaml", "--format", "json", "--set", "repeats.seeds=[0, 1]"}).out);
  const auto& trials = plan.at("trials");
  ASSERT_EQ(trials.size(), 4U);
  EXPECT_EQ(trials[0].at("state"), "done");
  EXPECT_EQ(trials[0].at("prediction"), nullptr);
  EXPECT_EQ(trials[1].at("label"), "lr=0.1 seed=1");
  EXPECT_EQ(trials[1].at("prediction").at("basis"), "seeds");
  EXPECT_EQ(trials[2].at("prediction").at("basis"), "shape");
  EXPECT_EQ(trials[2].at("prediction").at("trials"), 1);
  EXPECT_GT(trials[2].at("prediction").at("seconds").at("expected"), 0);
  EXPECT_EQ(plan.at("left"), 3);
  EXPECT_EQ(plan.at("predicted"), 3);
  EXPECT_EQ(plan.at("total").at("peak_host_bytes"), 1048576);
  EXPECT_EQ(plan.at("total").at("disk_bytes"), 3 * 2048);
}

TEST(Plan, SaysWhatIsDoneAndFromWhereTheRestGoesOn) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("hold_at: 2, holding: holding, proceed: proceed", "0.1, 0.2",
                                       "resources: {workers: 1}\n"));
  auto run = place.start({"sweep.yaml"});
  holding.line();
  proceed.release(1);
  holding.line();
  const auto live = place.run({"plan", "sweep.yaml"});
  EXPECT_TRUE(contains(live.out, "warning: results is in use by another mvn-runner, process " +
                                     std::to_string(run.pid()) + " on "))
      << live.out << live.err;
  EXPECT_TRUE(contains(live.out, "lr=0.2  running  runs now  ")) << live.out;
  run.signal(SIGINT);
  run.wait_for("draining:");
  run.signal(SIGINT);
  EXPECT_EQ(run.finish().end.exit_code, 130);
  const auto plan = place.run({"plan", "sweep.yaml"});
  EXPECT_TRUE(contains(plan.out, "lr=0.1  done         -                  -      ")) << plan.out;
  EXPECT_TRUE(contains(plan.out, "lr=0.2  interrupted  go on from step 2  ")) << plan.out;
  EXPECT_TRUE(contains(plan.out, "demo: 2 trials, 1 done, 1 to run (1 interrupted)\n")) << plan.out;
  EXPECT_FALSE(contains(plan.out, "warning")) << plan.out;
}

TEST(Plan, WhatIsWrongWithTheSweepIsSaid) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("data: missing.txt"));
  const auto plan = place.run({"plan", "sweep.yaml"});
  EXPECT_EQ(plan.end.exit_code, 64);
  EXPECT_TRUE(contains(plan.err, "task.data: no such file: ")) << plan.err;
  EXPECT_EQ(place.run({"plan"}).err, "mvn-runner: sweep is required; see mvn-runner --help\n");
}

}  // namespace
}  // namespace mvn::test
