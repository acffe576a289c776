// `early_terminate`, `metric.target` and the limits of `run_cap`.
#include <gtest/gtest.h>

#include <filesystem>

#include "common/files.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Three iterations of one loss, each with a checkpoint; until there is a file `go`, one that is not
// good waits after the second to be told to end. With a FIFO `told` it says so when it is, and
// hangs.
constexpr const char* kProgram = R"(
import json, os, signal, sys, time
trial = json.load(open(sys.argv[1]))
loss = trial["config"]["args"]["loss"]
spool = open(trial["spool"], "a", buffering=1)
def stop(*_):
    if os.path.exists("told"):
        with open("told", "w") as file:
            file.write("told\n")
        signal.pause()
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
state = os.path.join(trial["folder"], "state")
first = int(open(state).read()) if os.path.exists(state) else 0
print(json.dumps({"type": "start", "resumed_step": first}), file=spool)
for step in range(first + 1, 4):
    open(state, "w").write(str(step))
    print(json.dumps({"type": "metric", "step": step, "values": {"eval/loss": loss}}), file=spool)
    if step == 2 and loss > 2 and not os.path.exists("go"):
        signal.pause()
)";

std::string sweep(const std::string& more, const std::string& losses = "1, 2, 3, 4, 5, 6") {
  return "name: demo\nmetric: {name: eval/loss, goal: minimize}\n"
         "worker: {command: [python3, train.py]}\nresources: {workers: 1}\n"
         "parameters: {args.loss: {values: [" +
         losses + "]}}\n" + more;
}

const std::string kStates = "SELECT params, state, attempts FROM trials ORDER BY params";

class EarlyStop : public testing::Test {
 protected:
  void SetUp() override {
    place.write("train.py", kProgram);
    place.write("sweep.yaml", sweep("early_terminate: {type: asha, min_iter: 2}\n"));
  }
  Workplace place;
};

TEST_F(EarlyStop, EndsWhatIsNotAmongTheBest) {
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out,
                       "[3/6] STOPPED loss=3: stopped at iteration 2 with 3: not among the best 1 "
                       "of 3 trials (1)\n"))
      << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 6 of 6 trials done, 4 stopped, in ")) << run.out;
  EXPECT_TRUE(
      contains(run.out, "Stopped early, without a result: 4 trials; the view `stops` says why.\n"))
      << run.out;
  EXPECT_EQ(place.rows(kStates),
            (Rows{"loss=1|done|1", "loss=2|done|1", "loss=3|stopped|1", "loss=4|stopped|1",
                  "loss=5|stopped|1", "loss=6|stopped|1"}));
  EXPECT_EQ(place.rows("SELECT params, iteration, value, threshold, peers FROM stops"),
            (Rows{"loss=3|2|3.0|1.0|3", "loss=4|2|4.0|1.0|4", "loss=5|2|5.0|1.0|5",
                  "loss=6|2|6.0|2.0|6"}));
  EXPECT_EQ(place.rows("SELECT sum(n), sum(missing), sum(stopped) FROM group_stats"),
            Rows{"2|4|4"});
  const auto again = place.run({"sweep.yaml"});
  EXPECT_TRUE(again.out.starts_with("nothing to do: 6 trials done, 4 of them stopped early\n"))
      << again.out;
}

TEST_F(EarlyStop, WithoutTheRuleTheyGoOnFromTheirCheckpoints) {
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  place.write("go", "");
  place.write("sweep.yaml", sweep(""));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_TRUE(contains(run.out, "demo: 6 trials, 2 done, 4 to run;")) << run.out;
  EXPECT_EQ(place.rows(kStates), (Rows{"loss=1|done|1", "loss=2|done|1", "loss=3|done|2",
                                       "loss=4|done|2", "loss=5|done|2", "loss=6|done|2"}));
  EXPECT_EQ(place.rows("SELECT DISTINCT resumed_step FROM mvn_attempt WHERE attempt = 2"),
            Rows{"2"});
}

TEST_F(EarlyStop, AnotherRuleIsAskedAboutThemAnew) {
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  place.write("go", "");
  place.write("sweep.yaml", sweep("early_terminate: {type: asha, min_iter: 2, eta: 2}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT params, state FROM trials ORDER BY params"),
            (Rows{"loss=1|done", "loss=2|done", "loss=3|done", "loss=4|stopped", "loss=5|stopped",
                  "loss=6|stopped"}));
  EXPECT_EQ(place.rows("SELECT DISTINCT threshold FROM stops WHERE state = 'stopped'"),
            Rows{"3.0"});
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 6 trials done, 3 of them"));
}

TEST_F(EarlyStop, CountsAlsoWhereTheRunnerDiesMeanwhile) {
  place.write("sweep.yaml", sweep("early_terminate: {type: asha, min_iter: 2}\n", "1, 2, 3"));
  Fifo told(place / "told");
  auto run = place.start({"sweep.yaml"});
  EXPECT_EQ(told.line(), "told");
  run.signal(9);
  run.finish();
  const auto again = place.run({"sweep.yaml"});
  EXPECT_TRUE(again.out.starts_with("nothing to do: 3 trials done, 1 of them stopped early\n"))
      << again.out;
  EXPECT_EQ(place.rows(kStates), (Rows{"loss=1|done|1", "loss=2|done|1", "loss=3|stopped|1"}));
}

TEST_F(EarlyStop, IsInTheDatabaseThatIsMadeAnew) {
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto before = place.rows("SELECT * FROM stops");
  ASSERT_EQ(place.run({"collect", "--rebuild"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT * FROM stops"), before);
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 6 trials done, 4 of them"));
}

// The fake worker reports its micro-batch, and holds after its first step until it is told to stop.
TEST_F(EarlyStop, AsksATrainersTrialToo) {
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: batch/micro, goal: maximize}\n"
              "early_terminate: {type: asha, min_iter: 1, eta: 2}\n"
              "model: {plugin: toy}\nresources: {workers: 1}\n"
              "task: {plugin: play, fits: 9, hold_at: 1, holding: holding, proceed: proceed}\n"
              "parameters: {training.micro_batch_size: {values: [4, 2]}}\n");
  Fifo holding(place / "holding");
  Fifo proceed(place / "proceed");
  auto run = place.start({"sweep.yaml"});
  EXPECT_NE(holding.line(), "");
  proceed.release(1);
  EXPECT_NE(holding.line(), "");
  EXPECT_EQ(run.finish().end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT params, state FROM trials ORDER BY params"),
            (Rows{"micro_batch_size=2|stopped", "micro_batch_size=4|done"}));
  EXPECT_EQ(place.rows("SELECT exit_code FROM mvn_attempt WHERE state = 'stopped'"), Rows{"75"});
}

TEST_F(EarlyStop, ATargetThatIsReachedEndsTheSweep) {
  const std::string text = sweep("", "2, 1, 0.5, 0.25");
  const std::string goal = "goal: minimize";
  place.write("sweep.yaml", std::string(text).replace(text.find(goal), goal.size(),
                                                      "goal: minimize, target: 1.5"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  const auto reached = place.rows("SELECT trial FROM trials WHERE params = 'loss=1'").front();
  const auto line = "no more trials were started: metric.target 1.5 is reached by trial " +
                    reached + " with 1\ndemo: 2 of 2 trials done, in ";
  EXPECT_TRUE(contains(run.out, line)) << run.out;
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials GROUP BY state ORDER BY state"),
            (Rows{"done|2", "planned|2"}));
  const auto again = place.run({"sweep.yaml"});
  EXPECT_EQ(again.end.exit_code, 0);
  EXPECT_TRUE(contains(again.out, line)) << again.out;
  EXPECT_EQ(place.rows("SELECT sum(attempts) FROM trials"), Rows{"2"});
}

TEST_F(EarlyStop, HoursThatAreSpentEndTheSweep) {
  place.write("sweep.yaml", sweep("run_cap: {hours: 1e-9, trials: 3}\n", "1, 2, 1.5, 1.75"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "no more trials were started: run_cap.hours 1e-09 is spent ("))
      << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 1 of 1 trial done, in ")) << run.out;
  const auto again = place.run({"sweep.yaml"});
  EXPECT_TRUE(contains(again.out, "no more trials were started: run_cap.hours")) << again.out;
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials GROUP BY state ORDER BY state"),
            (Rows{"done|1", "planned|2"}));
  place.write("sweep.yaml", sweep("run_cap: {hours: 100, trials: 3}\n", "1, 2, 1.5, 1.75"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT state, count(*) FROM trials GROUP BY state"), Rows{"done|3"});
}

TEST_F(EarlyStop, ASearchDrawsNoMoreOnceItsTargetIsReached) {
  place.write("go", "");
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: eval/loss, goal: minimize, target: 100}\n"
              "worker: {command: [python3, train.py]}\nresources: {workers: 1}\n"
              "method: bayes\nrun_cap: 30\nparameters: {args.loss: {min: 1.0, max: 2.0}}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "demo: 1 of 1 trial done, in ")) << run.out;
}

}  // namespace
}  // namespace mvn::test
