// Trials that a program of the user's runs: `worker: {command: [...]}`.
#include <gtest/gtest.h>

#include "common/files.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Reads the trial, goes on from its checkpoint, says how it went.
constexpr const char* kProgram = R"(
import json, os, sys
trial = json.load(open(sys.argv[1]))
args = trial["config"]["args"]
print("training with", args)
spool = open(trial["spool"], "a")
def record(**fields):
    spool.write(json.dumps(fields) + "\n")
    spool.flush()
state = os.path.join(trial["folder"], "state")
first = int(open(state).read()) if os.path.exists(state) else 0
record(type="start", resumed_step=first)
for step in range(first + 1, 4):
    record(type="metric", step=step, values={"train/loss": 1 / step})
    record(type="progress", step=step, steps=3)
    open(state, "w").write(str(step))
    if step == 2 and first == 0 and "fails" in args:
        sys.exit(args["fails"])
record(type="metric", step=3, values={"eval/accuracy": args["rate"] * 2})
)";

std::string sweep(const std::string& more) {
  return "name: demo\nmetric: {name: eval/accuracy, goal: maximize}\n"
         "worker: {command: [python3, train.py]}\n" +
         more;
}

TEST(OwnProgram, LandsInTheSameTables) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep("parameters: {args.rate: {values: [0.25, 0.5]}}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT params, objective, step FROM trials ORDER BY objective"),
            (Rows{"rate=0.25|0.5|3", "rate=0.5|1.0|3"}));
  const auto folder = place.rows("SELECT folder FROM trials ORDER BY objective").front();
  EXPECT_EQ(read_file(place / ("results/" + folder + "/attempts/1/log.txt")),
            "training with {'rate': 0.25}\n");
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 2 trials done\n"));
}

// The first Python program of docs/sweeps.md.
std::string documented_program() {
  const auto text = read_file(MVN_SWEEP_DOCUMENT);
  const std::string fence = "```python\n";
  const auto start = text.find(fence) + fence.size();
  return text.substr(start, text.find("```\n", start) - start);
}

TEST(OwnProgram, TheProgramOfTheDocumentRuns) {
  Workplace place;
  place.write("train.py", documented_program());
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: train/loss, goal: minimize}\n"
              "worker: {command: [python3, train.py]}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT objective, step, steps FROM trials"), Rows{"0.01|100|100"});
}

TEST(OwnProgram, ACrashIsTriedAgainFromItsCheckpoint) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep("args: {rate: 0.25, fails: 3}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "RETRY demo: exit code 3\n")) << run.out;
  EXPECT_EQ(place.rows("SELECT attempt, state, resumed_step FROM mvn_attempt ORDER BY attempt"),
            (Rows{"1|failed|0", "2|done|2"}));
}

TEST(OwnProgram, WhatALaterAttemptDidNotReachDoesNotCount) {
  Workplace place;
  place.write("train.py", R"(
import json, os, signal, sys
trial = json.load(open(sys.argv[1]))
spool = open(trial["spool"], "a", buffering=1)
first = trial["attempt"] == 1
for step in range(1, 26) if first else range(21, 24):
    print(json.dumps({"type": "metric", "step": step, "values": {"loss": 5.0 if first else 0.5}}),
          file=spool)
if first:
    os.kill(os.getpid(), signal.SIGKILL)
)");
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: loss, goal: minimize}\n"
              "worker: {command: [python3, train.py]}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT objective, step, attempts FROM trials"), Rows{"0.5|23|2"});
  EXPECT_EQ(place.rows("SELECT mean, n FROM group_stats"), Rows{"0.5|1"});
}

TEST(OwnProgram, ATrialWhoseFolderIsDeletedIsNotDone) {
  Workplace place;
  place.write("train.py", R"(
import json, os, shutil, sys
trial = json.load(open(sys.argv[1]))
with open(trial["spool"], "a") as spool:
    print(json.dumps({"type": "metric", "step": 1, "values": {"loss": 1}}), file=spool)
if not os.path.exists("kept"):
    shutil.rmtree(trial["folder"])
)");
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: loss, goal: minimize}\nretry: {crash: 0}\n"
              "worker: {command: [python3, train.py]}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT state, replace(message, trial, 'ID') FROM trials"),
            Rows{"failed|its folder results/demo/ID was deleted while it ran"});
  place.write("kept", "");
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT state, objective, attempts FROM trials"), Rows{"done|1.0|2"});
}

TEST(OwnProgram, ASweepBelongsToItsFile) {
  Workplace place;
  const auto program = [](const std::string& loss) {
    return "import json, os\nprint(json.dumps({'type': 'metric', 'step': 1, 'values': {'loss': " +
           loss + "}}), file=open(os.environ['MVN_SPOOL'], 'a'))\n";
  };
  const std::string text =
      "name: demo\nmetric: {name: loss, goal: minimize}\nworker: {command: [python3, train.py]}\n";
  place.write("a/sweep.yaml", text);
  place.write("a/train.py", program("1"));
  place.write("b/sweep.yaml", text + "parameters: {args.x: {values: [1, 2]}}\n");
  place.write("b/train.py", program("2"));
  ASSERT_EQ(place.run({"a/sweep.yaml"}).end.exit_code, 0);
  const std::string refused =
      "mvn-runner: b/sweep.yaml: the sweep 'demo' of results belongs to a/sweep.yaml; give one of "
      "the two files another name ('name: ...'), or this one other results (--results FOLDER); "
      "where it takes the other's place, move the other away\n";
  for (const auto& arguments :
       {std::vector<std::string>{"b/sweep.yaml"}, {"plan", "b/sweep.yaml"}}) {
    const auto run = place.run(arguments);
    EXPECT_EQ(run.end.exit_code, 1);
    EXPECT_EQ(run.err, refused);
  }
  EXPECT_EQ(place.rows("SELECT objective, current FROM trials"), Rows{"1.0|1"});
  // Also where the folder of the sweep alone is left.
  std::filesystem::remove(place / "results/results.db");
  EXPECT_EQ(place.run({"b/sweep.yaml"}).err, refused);
}

TEST(OwnProgram, ASweepThatMovedIsComparedWithItsProgramOfNow) {
  Workplace place;
  place.write("a/sweep.yaml",
              "name: demo\nmetric: {name: loss, goal: minimize}\n"
              "worker: {command: [sh, train.sh]}\n");
  place.write("a/train.sh",
              "echo '{\"type\":\"metric\",\"step\":1,\"values\":{\"loss\":1}}' >> $MVN_SPOOL\n");
  ASSERT_EQ(place.run({"a/sweep.yaml"}).end.exit_code, 0);
  std::filesystem::rename(place / "a", place / "b");
  EXPECT_TRUE(place.run({"b/sweep.yaml"}).out.starts_with("nothing to do: 1 trial done\n"));
  place.write("b/train.sh", "exit 1\n");
  EXPECT_TRUE(contains(place.run({"b/sweep.yaml"}).out,
                       "warning: 1 finished trial was trained with a program that has changed "
                       "since (train.sh): it is kept; --rerun-changed trains it again\n"));
}

TEST(OwnProgram, GetsItsArgumentsAsOptions) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\n"
              "worker: {command: [sh, -c, 'echo \"$@\"; echo $MVN_TRIAL', sh, '${args}']}\n"
              "args: {rate: 0.25, name: a b, deep: true}\n");
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto attempt = "results/" + place.rows("SELECT folder FROM trials").front() + "/attempts/1";
  EXPECT_EQ(read_file(place / (attempt + "/log.txt")),
            "--deep=true --name=a b --rate=0.25\n" + (place / attempt).string() + "/trial.json\n");
}

TEST(OwnProgram, GetsItsArgumentsAsWandbWritesThem) {
  const auto words = [](const std::string& word) {
    Workplace place;
    place.write("sweep.yaml", "name: demo\nworker: {command: [sh, -c, 'echo \"$@\"', sh, '" + word +
                                  "']}\nargs: {rate: 0.25, deep: true, flat: false, "
                                  "optimizer: {lr: 0.1, betas: [1, 2]}, empty: {}}\n");
    EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
    const auto folder = place.rows("SELECT folder FROM trials").front();
    return read_file(place / ("results/" + folder + "/attempts/1/log.txt"));
  };
  EXPECT_EQ(words("${args}"),
            "--deep=true --empty={} --flat=false --optimizer.betas=[1,2] --optimizer.lr=0.1 "
            "--rate=0.25\n");
  EXPECT_EQ(words("${args_no_hyphens}"),
            "deep=true empty={} flat=false optimizer.betas=[1,2] optimizer.lr=0.1 rate=0.25\n");
  EXPECT_EQ(words("${args_no_boolean_flags}"),
            "--deep --empty={} --optimizer.betas=[1,2] --optimizer.lr=0.1 --rate=0.25\n");
  EXPECT_EQ(words("${args_json}"),
            "{\"deep\":true,\"empty\":{},\"flat\":false,\"optimizer\":{\"betas\":[1,2],\"lr\":0.1},"
            "\"rate\":0.25}\n");
}

TEST(OwnProgram, RunsBesideTheTrainersTrials) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: eval/accuracy, goal: maximize}\n"
              "stages:\n"
              "  ours: {model: {plugin: toy}, task: {plugin: play}}\n"
              "  theirs: {worker: {command: [python3, train.py]}, args: {rate: 0.4}}\n");
  const auto run = place.run({"sweep.yaml", "--workers", "1"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(place.rows("SELECT stage, objective FROM trials ORDER BY stage"),
            (Rows{"ours|0.5", "theirs|0.8"}));
}

TEST(OwnProgram, ThatDoesNotExistIsFoundBeforeAnythingStarts) {
  Workplace place;
  place.write("sweep.yaml", "name: demo\nworker: {command: [no-such-program]}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 64);
  EXPECT_EQ(run.err,
            "sweep.yaml:2:19: worker.command: no program 'no-such-program' in PATH\n"
            "  worker: {command: [no-such-program]}\n"
            "                    ^\n");
  EXPECT_FALSE(place.has("results"));
}

}  // namespace
}  // namespace mvn::test
