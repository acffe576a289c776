// `method: bayes`: trials that are drawn as the sweep goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "common/files.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Its loss is least at a rate of 0.01 for the first kind. Where there is a FIFO `holding`, it says
// so there and waits.
constexpr const char* kProgram = R"(
import json, math, os, sys
trial = json.load(open(sys.argv[1]))
args = trial["config"]["args"]
spool = open(trial["spool"], "a", buffering=1)
loss = (math.log10(args["rate"]) + 2) ** 2 + args.get("kind", 0)
if os.path.exists("holding"):
    with open("holding", "w") as file:
        file.write("holding\n")
    with open("proceed", "rb", buffering=0) as file:
        file.read(1)
if args["rate"] > args.get("most", 1):
    sys.exit(78)
print(json.dumps({"type": "metric", "step": 1, "values": {"eval/loss": loss}}), file=spool)
)";

std::string sweep(int trials, const std::string& more = "") {
  return "name: demo\nmetric: {name: eval/loss, goal: minimize}\nmethod: bayes\n"
         "run_cap: " +
         std::to_string(trials) +
         "\nworker: {command: [python3, train.py]}\n"
         "resources: {workers: 1}\n"
         "parameters:\n"
         "  args.rate: {distribution: log_uniform_values, min: 1e-6, max: 1.0}\n"
         "  args.kind: {values: [0, 1, 2]}\n" +
         more;
}

// What a sweep drew, in order.
Rows drawn(const Workplace& place) {
  return place.rows("SELECT parameters FROM trials WHERE current ORDER BY draw, seed");
}

TEST(Search, DrawsWhereTheResultsAreGood) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(30));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "demo: 30 trials, 0 done, 30 to run;")) << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 30 of 30 trials done, in ")) << run.out;
  EXPECT_EQ(place.rows("SELECT count(*), sum(state = 'done') FROM trials"), Rows{"30|30"});
  // At random, 1 in 3 would be of the best kind, and 1 in 13 so good.
  EXPECT_EQ(place.rows("SELECT sum(json_extract(parameters, '$.\"args.kind\"') = 0) > 10, "
                       "sum(objective < 0.5) > 4"
                       " FROM trials WHERE draw >= 10"),
            Rows{"1|1"});
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 30 trials done\n"));
}

TEST(Search, IsTheSameEachTimeAndGoesOnWithALargerCap) {
  Workplace one;
  Workplace other;
  for (auto* place : {&one, &other}) place->write("train.py", kProgram);
  one.write("sweep.yaml", sweep(16));
  ASSERT_EQ(one.run({"sweep.yaml"}).end.exit_code, 0);
  other.write("sweep.yaml", sweep(13));
  ASSERT_EQ(other.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(other.rows("SELECT count(*) FROM mvn_draw"), Rows{"3"});
  other.write("sweep.yaml", sweep(16));
  const auto more = other.run({"sweep.yaml"});
  EXPECT_TRUE(contains(more.out, "demo: 16 trials, 13 done, 3 to run;")) << more.out;
  EXPECT_EQ(drawn(one), drawn(other));
  EXPECT_EQ(other.rows("SELECT sum(attempts) FROM trials"), Rows{"16"});
}

// Its draws are planned by what was read when it started.
TEST(Search, GoesOnWhereItsFileIsGone) {
  Workplace place;
  place.write("train.py",
              std::string("import os\n"
                          "if os.path.exists('sweep.yaml'): os.remove('sweep.yaml')\n") +
                  kProgram);
  place.write("sweep.yaml", sweep(14));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "demo: 14 of 14 trials done, in ")) << run.out;
  EXPECT_EQ(place.rows("SELECT count(*), max(draw) FROM trials"), Rows{"14|13"});
}

TEST(Search, AnotherSearchSeedIsAnotherSearch) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(12));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto before = drawn(place);
  place.write("sweep.yaml", sweep(12, "search: {seed: 1}\n"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto after = drawn(place);
  EXPECT_EQ(after.size(), 12U);
  for (const auto& each : after) EXPECT_EQ(std::count(before.begin(), before.end(), each), 0);
}

TEST(Search, RunsEveryDrawWithEverySeed) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(24, "repeats: {seeds: [0, 1]}\n"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT count(DISTINCT group_id), count(*), max(draw) FROM trials"),
            Rows{"12|24|11"});
}

TEST(Search, WhatDivergesIsTheWorst) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(30, "args: {most: 0.001}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT sum(state = 'diverged') FILTER (WHERE draw < 10) > 1,"
                       " sum(state = 'diverged') FILTER (WHERE draw >= 20) <"
                       " sum(state = 'diverged') FILTER (WHERE draw < 10) FROM trials"),
            Rows{"1|1"});
}

TEST(Search, GoesOnAfterItsRunnerIsKilled) {
  Workplace whole;
  whole.write("train.py", kProgram);
  whole.write("sweep.yaml", sweep(14));
  ASSERT_EQ(whole.run({"sweep.yaml"}).end.exit_code, 0);

  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(14));
  auto run = place.start({"sweep.yaml"});
  for (int i = 0; i < 12; ++i) {  // the twelfth trial is drawn, and runs
    EXPECT_EQ(holding.line(), "holding");
    if (i < 11) proceed.release(1);
  }
  run.signal(9);
  run.finish();
  std::filesystem::remove(place / "holding");
  const auto again = place.run({"sweep.yaml"});
  EXPECT_EQ(again.end.exit_code, 0) << again.out << again.err;
  EXPECT_EQ(drawn(place), drawn(whole));
  EXPECT_EQ(place.rows("SELECT sum(attempts) FROM trials"), Rows{"15"});
}

TEST(Search, IsInTheDatabaseThatIsMadeAnew) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(13));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string query =
      "SELECT trial, params, draw, state, objective FROM trials ORDER BY draw";
  const auto before = place.rows(query);
  ASSERT_EQ(place.run({"collect", "--rebuild"}).end.exit_code, 0);
  EXPECT_EQ(place.rows(query), before);
  std::filesystem::remove(place / "results/results.db");
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 13 trials done\n"));
}

TEST(Search, EndsWhereAllCombinationsAreTried) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: eval/loss, goal: minimize}\nmethod: bayes\nrun_cap: 40\n"
              "worker: {command: [python3, train.py]}\n"
              "parameters:\n  args.rate: {values: [0.1, 0.01, 0.001]}\n"
              "  args.kind: {values: [0, 1]}\n");
  const auto run = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials"), Rows{"6"});
  EXPECT_TRUE(contains(place.run({"sweep.yaml"}).out, "nothing to do: 6 trials done\n"));
}

TEST(Search, DrawsAgainWhatItHasDrawnBefore) {
  Workplace place;
  place.write("train.py", kProgram);
  const auto text = [](int cap) {
    return "name: demo\nmetric: {name: eval/loss, goal: minimize}\nmethod: bayes\nrun_cap: " +
           std::to_string(cap) +
           "\nworker: {command: [python3, train.py]}\n"
           "parameters:\n  args.rate: {values: [0.1, 0.01, 0.001, 1]}\n"
           "  args.kind: {min: 0, max: 2}\n";
  };
  place.write("sweep.yaml", text(12));
  auto run = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT count(*), count(DISTINCT params), max(draw) FROM trials"),
            Rows{"12|12|11"});
  EXPECT_FALSE(contains(run.out, "warning")) << run.out;
  place.write("sweep.yaml", text(13));
  run = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(
      run.out.starts_with("warning: method: bayes: 13 draws are asked for, and its axes have "
                          "12 combinations: each is drawn once\n"
                          "nothing to do: 12 trials done\n"))
      << run.out;
}

TEST(Search, DryRunSaysWhatIsDrawnLater) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep(25));
  const auto run = place.run({"sweep.yaml", "--dry-run"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(contains(run.out,
                       "demo: 25 trials, 0 done, 25 to run, 15 of them drawn later by the "
                       "results\n"))
      << run.out;
  EXPECT_FALSE(place.has("results"));
}

TEST(Search, ADrawThatIsNotAllowedEndsTheSearch) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: eval/accuracy, goal: maximize}\nmethod: bayes\n"
              "run_cap: 12\nmodel: {plugin: toy}\ntask: {plugin: play, steps: 1}\n"
              "parameters: {task.data: {values: [a, b]}, task.score: {min: 0.0, max: 1.0}}\n");
  place.write("a", "");
  place.write("b", "");
  auto run = place.run({"sweep.yaml", "--set", "search.draws=10"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  std::filesystem::remove(place / "a");
  std::filesystem::remove(place / "b");
  run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "GIVING UP: ")) << run.out;
  EXPECT_TRUE(contains(run.out, "task.data: no such file: ")) << run.out;
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials"), Rows{"10"});
}

}  // namespace
}  // namespace mvn::test
