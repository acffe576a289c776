// Sweeps that go well, and those of which a part does not.
#include <gtest/gtest.h>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Sweep, RunsAllTrialsAndStoresThem) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("steps: 3", "0.1, 0.01", "repeats: {seeds: [0, 1]}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(run.err, "");
  EXPECT_TRUE(contains(run.out, "demo: 4 trials, 0 done, 4 to run;")) << run.out;
  EXPECT_TRUE(contains(run.out, "[4/4] done ")) << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 4 of 4 trials done, in ")) << run.out;
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials GROUP BY state"), Rows{"done|4"});
  EXPECT_EQ(place.rows("SELECT name, count(*) FROM metrics GROUP BY name ORDER BY name"),
            (Rows{"eval/accuracy|4", "train/loss|12", "train/time|12"}));
}

TEST(Sweep, RunAgainDoesNothing) {
  Workplace place;
  place.write("sweep.yaml", sweep_text(""));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto again = place.run({"sweep.yaml"});
  EXPECT_EQ(again.end.exit_code, 0);
  EXPECT_TRUE(again.out.starts_with("nothing to do: 2 trials done\n")) << again.out;
  EXPECT_EQ(place.rows("SELECT sum(attempts) FROM trials"), Rows{"2"});
}

TEST(Sweep, ANewValueRunsOnlyTheNewTrials) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2, 0.3"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0);
  EXPECT_TRUE(contains(run.out, "demo: 3 trials, 1 done, 2 to run;")) << run.out;
  EXPECT_EQ(place.rows("SELECT count(*), sum(attempts) FROM trials"), Rows{"3|3"});
}

TEST(Sweep, OverridesAndResultsFolder) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("steps: 3", "0.1"));
  const auto run = place.run({"--set", "task.steps=2", "sweep.yaml", "--results", "elsewhere"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(place.has("elsewhere/results.db"));
  EXPECT_FALSE(place.has("results"));
}

TEST(Sweep, PreparesWhatIsMissingFirst) {
  Workplace place;
  place.write(
      "sweep.yaml",
      sweep_text("data: data.txt", "0.1",
                 "prepare:\n  - {command: [sh, -c, 'echo x > data.txt'], creates: data.txt}\n"));
  const auto dry = place.run({"plan", "sweep.yaml"});
  EXPECT_TRUE(contains(dry.out, "first runs: sh -c 'echo x > data.txt'\n")) << dry.out << dry.err;
  EXPECT_FALSE(place.has("data.txt"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(place.has("data.txt"));
}

TEST(Sweep, AFailedTrialIsReportedAndTheOthersGoOn) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nmethod: grid\nmetric: {name: eval/accuracy, goal: maximize}\n"
              "model: {plugin: toy}\ntask: {plugin: play, message: 'x.tsv:3: no label'}\n"
              "parameters:\n  task.code: {values: [79, 0]}\n");
  const auto run = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED code=79: bad data: x.tsv:3: no label\n")) << run.out;
  EXPECT_TRUE(contains(run.out, "  log: results/demo/")) << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 1 of 2 trials done, 1 failed, in ")) << run.out;
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials GROUP BY state ORDER BY state"),
            (Rows{"done|1", "failed|1"}));
}

TEST(Sweep, AFailedTrialRunsAgainNextTime) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("fail_until: fixed", "0.1", "retry: {crash: 0}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  place.write("fixed", "");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "  attempt 2\n")) << run.out;
  EXPECT_EQ(place.rows("SELECT state, attempts FROM trials"), Rows{"done|2"});
}

TEST(Sweep, ADivergedTrialIsAResult) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("code: 78, message: loss is NaN at step 4", "0.1"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "DIVERGED demo: diverged: loss is NaN at step 4\n")) << run.out;
  EXPECT_TRUE(contains(run.out, "1 of 1 trial done, 1 diverged")) << run.out;
  EXPECT_EQ(place.rows("SELECT state FROM trials"), Rows{"diverged"});
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 1 trial done\n"));
}

std::string two_stages(const std::string& upstream) {
  return "name: demo\nmethod: grid\nmetric: {name: eval/accuracy, goal: maximize}\n"
         "model: {plugin: toy}\n"
         "task: {plugin: play}\n"
         "stages:\n"
         "  first:\n"
         "    task: {" +
         upstream +
         "}\n"
         "    parameters: {model.size: {values: [1, 2]}}\n"
         "  second:\n"
         "    model: {weights: {stage: first}}\n"
         "    parameters: {model.size: {values: [1, 2]}, optimizer.lr: {values: [0.1, 0.2]}}\n";
}

TEST(Sweep, AStageStartsFromTheModelsOfAnother) {
  Workplace place;
  place.write("sweep.yaml", two_stages("steps: 2"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT stage, state, count(*) FROM trials GROUP BY stage ORDER BY stage"),
            (Rows{"first|done|2", "second|done|4"}));
}

TEST(Sweep, WhatStartsFromAFailedTrialIsBlocked) {
  Workplace place;
  place.write("sweep.yaml", two_stages("fail_until: fixed"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out,
                       "BLOCKED second size=1 lr=0.1: it starts from first size=1, which is "
                       "failed\n"))
      << run.out;
  EXPECT_EQ(place.rows("SELECT stage, state, count(*) FROM trials GROUP BY stage ORDER BY stage"),
            (Rows{"first|failed|2", "second|blocked|4"}));
  place.write("fixed", "");
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials"), Rows{"done|6"});
}

TEST(Sweep, MoreTrialsThanWorkersReuseThem) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml", sweep_text("hold_at: 1, holding: holding, proceed: proceed",
                                       "1.0, 2.0, 3.0", "resources: {workers: 1}\n"));
  auto run = place.start({"sweep.yaml"});
  std::vector<std::string> workers;
  for (int i = 0; i < 3; ++i) {
    const auto line = holding.line();
    workers.push_back(line.substr(line.find(' ')));
    proceed.release(1);
  }
  EXPECT_EQ(workers, Rows(3, workers[0]));
  EXPECT_EQ(run.finish().end.exit_code, 0);
}

}  // namespace
}  // namespace mvn::test
