// Trials that a program of the user's runs: `worker: {command: [...]}`.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/files.h"
#include "common/trial.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

namespace fs = std::filesystem;
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

TEST(OwnProgram, WhatAParameterDecidesIsAskedInSql) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml", sweep("parameters:\n  args.rate: {values: [0.1, 0.25, 0.5]}\n"
                                  "  args.other: {values: [a, b, c, d]}\n"));
  EXPECT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const std::string asked = "SELECT sweep, name, importance, trials FROM importance";
  const Rows decided{"demo|args.rate|1.0|12", "demo|args.other|0.0|12"};
  EXPECT_EQ(place.rows(asked), decided);
  EXPECT_EQ(place.run({"collect", "--rebuild"}).end.exit_code, 0);
  EXPECT_EQ(place.rows(asked), decided);
}

// The first block of a document in this language.
std::string documented(const std::string& document, const std::string& language) {
  const auto text = read_file(document);
  const std::string fence = "```" + language + "\n";
  const auto start = text.find(fence) + fence.size();
  return text.substr(start, text.find("```\n", start) - start);
}

TEST(OwnProgram, TheTutorialsSweepHasItsNumbers) {
  Workplace place;
  place.write("train.py", documented(MVN_TUTORIAL, "python"));
  place.write("first.yaml", documented(MVN_TUTORIAL, "yaml"));
  const auto run = place.run({"first.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  const auto text = read_file(MVN_TUTORIAL);
  const auto begin = text.find("loss (lower is better)");
  const auto table = text.substr(begin, text.find("```", begin) - begin);
  EXPECT_TRUE(contains(run.out, "\n" + table)) << run.out;
}

TEST(OwnProgram, TheProgramOfTheDocumentRuns) {
  Workplace place;
  place.write("train.py", documented(MVN_SWEEP_DOCUMENT, "python"));
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

std::string log_of(const Workplace& place, const std::string& where) {
  const auto folder = place.rows("SELECT folder FROM trials WHERE " + where).front();
  return read_file(place / ("results/" + folder + "/attempts/1/log.txt"));
}

TEST(OwnProgram, GetsItsSeed) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nworker: {command: [sh, -c, 'echo \"$@\"', sh, '--out=run-${seed}', "
              "'${seed}', '${args}', '$${seed}']}\n"
              "args: {seed: '${seed}', names: ['a-${seed}', b], text: '$${seed}'}\n"
              "repeats: {seeds: [3, 14]}\n");
  const auto run = place.run({"sweep.yaml"});
  ASSERT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_FALSE(contains(run.out, "warning")) << run.out;
  EXPECT_EQ(log_of(place, "seed = 14"),
            "--out=run-14 14 --names=[\"a-14\",\"b\"] --seed=14 --text=${seed} ${seed}\n");
  EXPECT_EQ(log_of(place, "seed = 3"),
            "--out=run-3 3 --names=[\"a-3\",\"b\"] --seed=3 --text=${seed} ${seed}\n");
  // One configuration with two seeds.
  EXPECT_EQ(place.rows("SELECT count(DISTINCT group_id), count(*) FROM trials"), Rows{"1|2"});
  const auto folder = place.rows("SELECT folder FROM trials WHERE seed = 14").front();
  EXPECT_EQ(read_trial_file(place / ("results/" + folder + "/attempts/1/trial.json"))
                .config.at("args")
                .at("seed"),
            14);
}

TEST(OwnProgram, IsWarnedOfWhereNoSeedReachesIt) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nworker: {command: [sh, -c, true, sh, '${args}']}\n"
              "args: {rate: 1}\nrepeats: {seeds: [3, 14]}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_TRUE(run.out.starts_with(
      "warning: repeats: the command line is the same for every seed: write ${seed} into "
      "worker.command or into a value of args, such as args: {seed: \"${seed}\"}\n"))
      << run.out;
}

TEST(OwnProgram, WithoutItsMetricIsSaidAtOnceAndOnce) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: \"eval/acuracy \", goal: maximize}\n"
              "worker: {command: [python3, train.py]}\nresources: {workers: 1}\n"
              "parameters: {args.rate: {values: [0.25, 0.5]}}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  const std::string note =
      "NO OBJECTIVE rate=0.25 is done and has not reported 'eval/acuracy ', the metric of "
      "sweep.yaml:2:16: it reported 'eval/accuracy', 'train/loss'; did you mean "
      "'eval/accuracy'?\n";
  const auto at = run.out.find(note);
  ASSERT_NE(at, std::string::npos) << run.out;
  EXPECT_LT(at, run.out.find("started rate=0.5")) << run.out;
  EXPECT_EQ(run.out.find("NO OBJECTIVE", at + 1), std::string::npos) << run.out;
}

TEST(OwnProgram, WithoutItsMetricIsNotSearchedOrStoppedByIt) {
  for (const auto& [more, user] : {std::pair{"method: bayes\nrun_cap: 20\n", "method: bayes"},
                                   {"early_terminate: {type: median}\n", "early_terminate"}}) {
    Workplace place;
    place.write("train.py", kProgram);
    place.write("sweep.yaml", sweep("resources: {workers: 1}\nargs: {x: 1}\n" + std::string(more) +
                                    "parameters: {args.rate: {min: 1, max: 1000}}\n"));
    const auto run = place.run({"sweep.yaml", "--set", "metric.name=eval/loss"});
    EXPECT_EQ(run.end.exit_code, 1) << run.out << run.err;
    EXPECT_TRUE(contains(run.out, "GIVING UP: " + std::string(user) +
                                      " has nothing to go by: no trial has reported "
                                      "'eval/loss'\n"))
        << run.out;
    EXPECT_EQ(place.rows("SELECT count(*) FROM mvn_attempt"), Rows{"1"});
  }
}

TEST(OwnProgram, ItsDamagedLinesAreSaidOnce) {
  Workplace place;
  place.write("sweep.yaml",
              "name: demo\nmetric: {name: loss, goal: minimize}\n"
              "worker: {command: [sh, -c, 'echo \"{\\\"loss\\\": 1}\" >> $MVN_SPOOL; echo no >> "
              "$MVN_SPOOL']}\nresources: {workers: 1}\n"
              "parameters: {args.x: {values: [1, 2]}}\n");
  const auto run = place.run({"sweep.yaml"});
  const auto spool =
      "results/" + place.rows("SELECT folder FROM trials").front() + "/attempts/1/spool.jsonl";
  const std::string note =
      "DAMAGED x=1: a line of the spool is no record: {\"loss\": 1}\n"
      "  a line is such as {\"step\":1,\"type\":\"metric\",\"values\":{\"loss\":0.5}}; further "
      "ones "
      "are in the view `events`\n  spool: " +
      spool + "\n";
  const auto at = run.out.find(note);
  ASSERT_NE(at, std::string::npos) << run.out;
  EXPECT_EQ(run.out.find("DAMAGED", at + 1), std::string::npos) << run.out;
  EXPECT_EQ(place.rows("SELECT count(*) FROM events WHERE level = 'damaged'"), Rows{"4"});
  EXPECT_TRUE(contains(run.out, "it reported no metric at all\n")) << run.out;
}

// A trial that another sweep has, too, is known by its id alone to what asks for its folder.
TEST(OwnProgram, RunsInTheFolderOfItsOwnSweep) {
  Workplace place;
  for (const std::string name : {"one", "two"}) {
    place.write(name + ".yaml", "name: " + name +
                                    "\nworker: {command: [sh, -c, 'echo hello; echo {} >> "
                                    "$MVN_SPOOL']}\n");
    EXPECT_EQ(place.run({name + ".yaml"}).end.exit_code, 0);
  }
  const auto folders = place.rows("SELECT folder FROM trials ORDER BY folder");
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_EQ(folders[0].substr(4), folders[1].substr(4));  // one trial
  for (const auto& folder : folders) {
    const auto attempt = "results/" + folder + "/attempts/1/";
    EXPECT_EQ(read_file(place / (attempt + "log.txt")), "hello\n");
    EXPECT_EQ(read_file(place / (attempt + "spool.jsonl")), "{}\n");
  }
  EXPECT_EQ(place.rows("SELECT count(*) FROM events GROUP BY sweep"), (Rows{"1", "1"}));
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

// What is said of `command`, a YAML list, after "worker.command: ".
std::string refusal(Workplace& place, const std::string& command) {
  place.write("sweep.yaml", "name: demo\nworker: {command: " + command + "}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 64) << run.out;
  const std::string start = "sweep.yaml:2:19: worker.command: ";
  EXPECT_TRUE(run.err.starts_with(start)) << run.err;
  return run.err.substr(start.size(), run.err.find('\n') - start.size());
}

TEST(OwnProgram, ThatCannotBeStartedIsRefusedWithTheReason) {
  Workplace place;
  const auto script = [&](const std::string& name, const std::string& text, bool executable) {
    place.write(name, text);
    if (executable) fs::permissions(place / name, fs::perms::owner_all);
  };
  script("plain.py", "print(1)\n", false);
  script("plain.sh", "#!/bin/bash\n", false);
  script("lost", "#!/no/such/python9 -u\n", true);
  script("asks", "#!/usr/bin/env no-such-python9\n", true);
  script("windows", "#!/bin/sh\r\necho\r\n", true);
  EXPECT_EQ(refusal(place, "[./plain.py]"),
            "'./plain.py' is not executable: chmod +x ./plain.py, or write [python3, ./plain.py]");
  EXPECT_EQ(
      refusal(place, "[./plain.sh]"),
      "'./plain.sh' is not executable: chmod +x ./plain.sh, or write [/bin/bash, ./plain.sh]");
  EXPECT_EQ(refusal(place, "[./lost]"),
            "'./lost' is run by '/no/such/python9', as its first line says, which is no program");
  EXPECT_EQ(refusal(place, "[./asks]"),
            "'./asks' is run by 'no-such-python9', as its first line says, which is not in PATH");
  EXPECT_EQ(refusal(place, "[./windows]"),
            "'./windows' has the line ends of Windows, which its first line cannot have: sed -i "
            "'s/\\r$//' ./windows");
  EXPECT_EQ(refusal(place, "[plain.py]"),
            "no program 'plain.py' in PATH; the one beside the sweep file is './plain.py'");
  EXPECT_EQ(refusal(place, "['./']"), "'./' is a folder");
  EXPECT_EQ(refusal(place, "[./nothing]"), "no program './nothing'");
}

// What goes away after it was looked at: the first trial takes the other's program away.
TEST(OwnProgram, ThatCannotBeStartedAnyMoreIsNotTriedAgain) {
  Workplace place;
  place.write("run", "#!/bin/sh\nrm run\nexit 1\n");
  fs::permissions(place / "run", fs::perms::owner_all);
  place.write("sweep.yaml",
              "name: demo\nworker: {command: [./run]}\nresources: {workers: 1}\n"
              "retry: {crash: 0}\nparameters: {args.x: {values: [1, 2, 3]}}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAILED x=2: bad configuration: no program './run'\n")) << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 0 of 3 trials done, 3 failed, in ")) << run.out;
}

TEST(OwnProgram, IsFoundPastAFolderOfPathThatMayNotBeRead) {
  Workplace place;
  std::filesystem::create_directory(place / "closed");
  place.write("closed/file", "");
  place.write("sweep.yaml", "name: demo\nworker: {command: [\"true\"]}\n");
  const std::string before = std::getenv("PATH");
  // A file is no folder either, also for root, who may read all.
  ::setenv(
      "PATH",
      ((place / "closed/file").string() + ":" + (place / "closed").string() + ":" + before).c_str(),
      1);
  fs::permissions(place / "closed", fs::perms::none);
  const auto run = place.run({"sweep.yaml"});
  fs::permissions(place / "closed", fs::perms::owner_all);
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
}

}  // namespace
}  // namespace mvn::test
