// What the runner does about failures, by their kind.
#include <gtest/gtest.h>

#include <map>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Rows attempts(const Workplace& place) {
  return place.rows("SELECT state, count(*) FROM mvn_attempt GROUP BY state ORDER BY min(attempt)");
}

TEST(Failures, ACrashIsTriedAsOftenAsTheSweepSays) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("exit: 3", "0.1", "retry: {crash: 2}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "RETRY demo: the worker died: exit code 3\n")) << run.out;
  EXPECT_EQ(attempts(place), Rows{"failed|3"});
  EXPECT_EQ(place.rows("SELECT resumed_step FROM mvn_attempt ORDER BY attempt"),
            (Rows{"0", "4", "4"}));  // each from the last checkpoint
}

TEST(Failures, AWorkerKilledFromOutsideHasRetriesOfItsOwn) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("signal: 9", "0.1", "retry: {crash: 0, node: 2}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  EXPECT_EQ(attempts(place), Rows{"failed|3"});
}

TEST(Failures, ABadConfigurationIsNeverTriedAgain) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("code: 64", "0.1", "retry: {crash: 5}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  EXPECT_EQ(attempts(place), Rows{"failed|1"});
}

TEST(Failures, BadDataIsNeverTriedAgain) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("code: 79, message: empty", "0.1", "retry: {crash: 5}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED demo: bad data: empty\n")) << run.out;
  EXPECT_EQ(attempts(place), Rows{"failed|1"});
}

TEST(Failures, ADivergedTrialIsTriedAsOftenAsTheSweepSays) {
  for (const auto& [retries, tried] : std::map<std::string, std::string>{{"0", "1"}, {"2", "3"}}) {
    Workplace place;
    place.write("sweep.yaml", sweep_text("code: 78, message: the loss is NaN", "0.1",
                                         "retry: {diverged: " + retries + "}\n"));
    EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
    EXPECT_EQ(attempts(place), Rows{"diverged|" + tried});
  }
}

TEST(Failures, ATrialThatTakesTooLongIsTriedAsOftenAsTheSweepSays) {
  Workplace place;
  Fifo never(place / "never");
  place.write("sweep.yaml",
              "name: demo\nworker: {command: [sh, -c, 'read line < never']}\n"
              "limits: {time: 0.1s}\nretry: {timeout: 1}\n");
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  EXPECT_EQ(attempts(place), Rows{"failed|2"});
}

TEST(Failures, OutOfMemoryHalvesTheMicroBatchAndKeepsTheBatch) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("fits: 5", "0.1", "training: {batch_size: 32}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  for (const auto* size : {"16", "8", "4"}) {
    EXPECT_TRUE(contains(run.out, "RETRY demo with training.micro_batch_size " + std::string(size) +
                                      ": out of memory: too much\n"))
        << run.out;
  }
  EXPECT_EQ(place.rows("SELECT name, value FROM metrics WHERE name LIKE 'batch%' ORDER BY name"),
            (Rows{"batch/effective|32.0", "batch/micro|4.0"}));
}

TEST(Failures, WhatFitIsRememberedByTheNextRun) {
  Workplace place;
  place.write("sweep.yaml",
              sweep_text("fits: 16, fail_until: fixed", "0.1", "training: {batch_size: 32}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  place.write("fixed", "");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out;
  EXPECT_FALSE(contains(run.out, "RETRY")) << run.out;
}

TEST(Failures, OutOfMemoryWithASingleExampleIsFinal) {
  Workplace place;
  place.write("sweep.yaml",
              sweep_text("fits: 0", "0.1", "training: {batch_size: 2}\nretry: {oom: 9}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  EXPECT_EQ(attempts(place), Rows{"failed|2"});
}

TEST(Failures, AllThatAreListedAreCounted) {
  Workplace place;
  const std::string text = sweep_text("steps: 0, code: 79, message: no label", "1, 2, 3, 4, 5");
  place.write("sweep.yaml", text);
  const auto first = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_TRUE(contains(first.out, "\ndemo: 0 of 5 trials done, 3 failed, in ")) << first.out;
  // Of those that failed then, only one is tried again before this run gives up, too.
  place.write("sweep.yaml", text + "priority: [optimizer.lr > 3]\n");
  const auto second = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_TRUE(contains(second.out, "\ndemo: 0 of 5 trials done, 5 failed, in ")) << second.out;
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials WHERE state = 'failed'"), Rows{"5"});
}

TEST(Failures, ATrialThatTakesTooLongIsStoppedAndRunsAgainNextTime) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  const std::string task = "hold_at: 2, holding: holding, proceed: proceed";
  place.write("sweep.yaml", sweep_text(task, "0.1", "limits: {time: 0.1s}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED demo: timed out: ran longer than limits.time, 0.1 s"))
      << run.out;
  proceed.release(1);  // it may have been stopped before it came so far
  place.write("sweep.yaml", sweep_text(task, "0.1"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(attempts(place), (Rows{"failed|1", "done|1"}));
}

TEST(Failures, AHungTrialIsKilledAndTriedAgain) {
  Workplace place;
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  place.write("sweep.yaml",
              sweep_text("hold_at: 2, holding: holding, proceed: proceed, ignore_stop: true", "0.1",
                         "limits: {silence: 2s, grace: 0.1s}\nretry: {hang: 20}\n"));
  auto running = place.start({"sweep.yaml"});
  EXPECT_EQ(running.wait_for("RETRY"),
            "RETRY demo: hung: nothing was heard of it for limits.silence, 2.0 s");
  proceed.release(1);
  EXPECT_EQ(running.finish().end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT count(*) FROM mvn_attempt WHERE state = 'done'"), Rows{"1"});
}

TEST(Failures, TheSameErrorInThreeConfigurationsEndsTheSweep) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("exit: 3, steps: 0", "1.0, 2.0, 3.0, 4.0, 5.0",
                                       "resources: {workers: 1}\nretry: {crash: 0}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out,
                       "GIVING UP: 3 configurations failed with the same error before reporting "
                       "anything: the worker died: exit code 3; retry: {same_error: never} in the "
                       "sweep file lets the others run\n"))
      << run.out;
  EXPECT_EQ(attempts(place), Rows{"failed|3"});
}

// Programs that fail as `args.how` says.
constexpr const char* kFailing = R"(
import json, os, sys
args = json.load(open(os.environ["MVN_TRIAL"]))["config"]["args"]
spool = open(os.environ["MVN_SPOOL"], "a")
if args.get("reports"):
    spool.write('{"type": "metric", "step": 0, "values": {"eval/loss": 1}}\n')
    spool.flush()
print("training number", args["x"])
if args["how"] == "key":
    {}["rate"]
if args["how"] == "module":
    import no_such_module
sys.exit("z")
)";

std::string failing(const std::string& how, const std::string& more) {
  return "name: demo\nworker: {command: [python3, train.py]}\nresources: {workers: 1}\n" + more +
         "\nparameters:\n  args.x: {min: 1, max: 3}\n  args.how: {values: [" + how + "]}\n";
}

TEST(Failures, DifferentErrorsOfProgramsDoNotEndASweep) {
  Workplace place;
  place.write("train.py", kFailing);
  // Two of each kind are three of none.
  place.write("sweep.yaml", failing("key, module, exit", "retry: {crash: 0, same_error: 4}"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_FALSE(contains(run.out, "GIVING UP")) << run.out;
  EXPECT_EQ(attempts(place), Rows{"failed|9"});
}

TEST(Failures, TheSameErrorOfAProgramEndsASweepUnlessItSaysNever) {
  Workplace place;
  place.write("train.py", kFailing);
  place.write("sweep.yaml", failing("exit, key", "retry: {crash: 0}"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_TRUE(
      contains(run.out,
               "GIVING UP: 3 configurations failed with the same error before reporting "
               "anything: exit code 1: z; retry: {same_error: never} in the sweep file lets "
               "the others run\n"))
      << run.out;
  EXPECT_EQ(attempts(place), Rows{"failed|5"});  // exit, key, exit, key, exit
  place.write("sweep.yaml", failing("exit, key", "retry: {crash: 0, same_error: never}"));
  EXPECT_FALSE(contains(place.run({"sweep.yaml"}).out, "GIVING UP"));
  EXPECT_EQ(attempts(place), Rows{"failed|11"});
}

TEST(Failures, AConfigurationThatHasReportedIsNotTakenForOneThatCannotStart) {
  Workplace place;
  place.write("train.py", kFailing);
  place.write("sweep.yaml", failing("exit, key", "retry: {crash: 0}\nargs: {reports: true}"));
  EXPECT_FALSE(contains(place.run({"sweep.yaml"}).out, "GIVING UP"));
  EXPECT_EQ(attempts(place), Rows{"failed|6"});
}

TEST(Failures, AProgramThatIsOutOfMemoryIsTriedAsOftenAsOneThatCrashes) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nworker: {command: [python3, -c, 'raise MemoryError']}\n"
              "retry: {crash: 2, oom: 0}\n");
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 1);
  EXPECT_EQ(attempts(place), Rows{"failed|3"});
}

}  // namespace
}  // namespace mvn::test
