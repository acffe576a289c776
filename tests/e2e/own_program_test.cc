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
  EXPECT_EQ(words("${args_no_equals}"),
            "--deep true --empty {} --flat false --optimizer.betas [1,2] --optimizer.lr 0.1 "
            "--rate 0.25\n");
  EXPECT_EQ(words("${args_append_hydra}"),
            "+deep=true +empty={} +flat=false +optimizer.betas=[1,2] +optimizer.lr=0.1 "
            "+rate=0.25\n");
  EXPECT_EQ(words("${args_override_hydra}"),
            "++deep=true ++empty={} ++flat=false ++optimizer.betas=[1,2] ++optimizer.lr=0.1 "
            "++rate=0.25\n");
  EXPECT_EQ(words("${args_json}"),
            "{\"deep\":true,\"empty\":{},\"flat\":false,\"optimizer\":{\"betas\":[1,2],\"lr\":0.1},"
            "\"rate\":0.25}\n");
}

TEST(OwnProgram, RunsInTheFolderThatTheFileNames) {
  Workplace place;
  place.write("src/train.py", "import os\nprint(os.getcwd())\n");
  place.write("sweeps/sweep.yaml",
              "name: demo\nworker: {command: [python3, src/train.py], cwd: ..}\n");
  const auto run = place.run({"sweeps/sweep.yaml"});
  ASSERT_EQ(run.end.exit_code, 0) << run.out << run.err;
  const auto folder = place.rows("SELECT folder FROM trials").front();
  EXPECT_EQ(read_file(place / ("results/" + folder + "/attempts/1/log.txt")),
            (place / "src").parent_path().string() + "\n");
  EXPECT_EQ(place.rows("SELECT count(*) FROM mvn_environment WHERE name LIKE 'program.%train.py'"),
            Rows{"1"});
  place.write("sweeps/other.yaml", "worker: {command: [python3, src/train.py], cwd: ../nowhere}\n");
  EXPECT_EQ(place.run({"sweeps/other.yaml"}).err,
            "sweeps/other.yaml:1:49: worker.cwd: no folder '" + (place / "nowhere").string() +
                "'\n"
                "  worker: {command: [python3, src/train.py], cwd: ../nowhere}\n"
                "                                                  ^\n");
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
