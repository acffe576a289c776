// Workers that die in the middle of a trial: one attempt is lost, and it is said why.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string sweep_over(const std::string& axis, const std::string& task) {
  return "name: demo\nmethod: grid\nmetric: {name: eval/accuracy, goal: maximize}\n"
         "model: {plugin: toy}\ntask: {plugin: play" +
         task + "}\nparameters: {" + axis +
         "}\nresources: {workers: 1}\nretry: {crash: 0, oom: 0}\n";
}

TEST(WorkerDeath, IsReportedWithSignalAndLogAndTheSweepGoesOn) {
  Workplace place;
  place.write("sweep.yaml", sweep_over("task.signal: {values: [11, 0]}", ", log_lines: 20"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out,
                       "FAILED signal=11: the worker died: signal 11 (SIGSEGV)\n"
                       "  | log line 6\n"))
      << run.out;
  EXPECT_TRUE(contains(run.out, "  | log line 20\n  log: results/demo/")) << run.out;
  EXPECT_EQ(place.rows("SELECT state, signal FROM mvn_attempt ORDER BY trial"),
            (Rows{"failed|11", "done|"}));
}

TEST(WorkerDeath, IsReportedWithItsExitCode) {
  Workplace place;
  place.write("sweep.yaml", sweep_over("task.exit: {values: [3, 0]}", ""));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED exit=3: the worker died: exit code 3\n")) << run.out;
  EXPECT_EQ(place.rows("SELECT state, exit_code FROM mvn_attempt ORDER BY trial"),
            (Rows{"failed|3", "done|0"}));
}

TEST(WorkerDeath, AWorkerThatRanOutOfMemoryIsReplaced) {
  Workplace place;
  place.write("sweep.yaml", sweep_over("task.code: {values: [77, 0]}", ""));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED code=77: out of memory\n")) << run.out;
  EXPECT_EQ(place.rows("SELECT state FROM trials"), (Rows{"failed", "done"}));
}

TEST(WorkerDeath, WhatItHadReportedIsThereAndTheNextRunGoesOnFromItsCheckpoint) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("steps: 4, hold_at: 2, holding: holding, proceed: proceed",
                                       "1.0, 2.0", "resources: {workers: 1}\nretry: {node: 0}\n"));
  auto run = place.start({"sweep.yaml"});
  const auto held = holding.line();
  ::kill(std::stoi(held.substr(held.find(' '))), SIGKILL);
  run.wait_for("FAILED");  // not before: a dying reader could still take the byte
  proceed.release(1);
  const auto finished = run.finish();
  EXPECT_EQ(finished.end.exit_code, 1);
  EXPECT_TRUE(contains(finished.out, "FAILED lr=1.0: the worker died: signal 9 (SIGKILL)\n"))
      << finished.out;
  EXPECT_EQ(place.rows("SELECT state, step FROM trials"), (Rows{"failed|2", "done|4"}));
  EXPECT_EQ(place.rows("SELECT count(*) FROM metrics WHERE name = 'train/loss'"), Rows{"6"});

  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT count(*) FROM metrics WHERE name = 'train/loss'"), Rows{"8"});
  EXPECT_EQ(place.rows("SELECT resumed_step FROM mvn_attempt WHERE attempt = 2"), Rows{"2"});
}

TEST(WorkerDeath, AWorkerThatWasToldToCheckpointByOthersIsNotAFailure) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("steps: 4, hold_at: 2, holding: holding, proceed: proceed",
                                       "1.0, 2.0", "resources: {workers: 1}\n"));
  auto run = place.start({"sweep.yaml"});
  const auto held = holding.line();
  ::kill(std::stoi(held.substr(held.find(' '))), SIGTERM);
  run.wait_for("interrupted ");
  holding.line();
  proceed.release(1);
  const auto finished = run.finish();
  EXPECT_EQ(finished.end.exit_code, 1);
  EXPECT_EQ(place.rows("SELECT state, step FROM trials"), (Rows{"interrupted|2", "done|4"}));
}

}  // namespace
}  // namespace mvn::test
