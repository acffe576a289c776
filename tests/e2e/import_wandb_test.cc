// W&B's sweep files as sweeps of mvn-runner.
#include <gtest/gtest.h>

#include "common/files.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

// What stands below the comments at the head of an imported sweep.
std::string body(const std::string& sweep) {
  const auto end = sweep.rfind("\n#");
  return end == std::string::npos ? sweep : sweep.substr(sweep.find('\n', end + 1) + 1);
}

Finished imported(Workplace& place, const std::string& text) {
  place.write("wandb.yaml", text);
  return place.run({"import", "wandb", "wandb.yaml"});
}

// A grid over batch_size and `more`, whose program takes ${args}.
std::string grid(const std::string& more) {
  return "program: train.py\nmethod: grid\nmetric: {name: loss, goal: minimize}\nparameters:\n" +
         more;
}

std::string random(const std::string& more) {
  return "program: train.py\nmethod: random\nrun_cap: 5\nmetric: {name: loss}\nparameters:\n" +
         more;
}

std::string refusal(Workplace& place, const std::string& text) {
  const auto run = imported(place, text);
  EXPECT_EQ(run.end.exit_code, 64) << run.out;
  EXPECT_EQ(run.out, "");
  return run.err;
}

constexpr const char* kProgram = R"(
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--batch_size", type=int)
args = parser.parse_args()
config = json.load(open(os.environ["MVN_TRIAL"]))["config"]["args"]
assert config == vars(args), config
spool = open(os.environ["MVN_SPOOL"], "a", buffering=1)
print(json.dumps({"type": "metric", "step": 1, "values": {"loss": args.lr * args.batch_size}}),
      file=spool)
)";

TEST(ImportWandb, TheResultRunsAndItsMetricsAreRecorded) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("wandb.yaml", grid("  lr: {values: [0.5, 0.25]}\n  batch_size: {value: 4}\n"));
  const auto run = place.run({"import", "wandb", "wandb.yaml", "--output", "sweep.yaml"});
  ASSERT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "wrote sweep.yaml; see what it runs with\n  mvn-runner sweep.yaml --dry-run\n");
  EXPECT_EQ(run.err, "");
  const auto sweep = place.run({"sweep.yaml"});
  ASSERT_EQ(sweep.end.exit_code, 0) << sweep.out << sweep.err;
  EXPECT_EQ(place.rows("SELECT value FROM metrics WHERE name = 'loss' ORDER BY value"),
            (Rows{"1.0", "2.0"}));
  EXPECT_EQ(place.run({"import", "wandb", "wandb.yaml", "--output", "sweep.yaml"}).err,
            "mvn-runner: sweep.yaml exists already; move it away or choose another name\n");
}

TEST(ImportWandb, TheHeadSaysWhatTheProgramChanges) {
  Workplace place;
  const auto run = imported(place, grid("  lr: {values: [1]}\n"));
  EXPECT_EQ(run.out,
            "# wandb.yaml of W&B, by mvn-runner import wandb. train.py runs in the folder of this "
            "file.\n"
            "#\n"
            "# It gets its parameters as W&B's agent gives them. For its metrics to be recorded, "
            "let it append\n"
            "# a line of JSON to the file that MVN_SPOOL names wherever it calls wandb.log:\n"
            "#\n"
            "#     spool = open(os.environ[\"MVN_SPOOL\"], \"a\", buffering=1)\n"
            "#     print(json.dumps({\"type\": \"metric\", \"step\": step, \"values\": {\"loss\": "
            "value}}), file=spool)\n"
            "#\n"
            "# What it reads from wandb.config is in the file that MVN_TRIAL names:\n"
            "#\n"
            "#     config = json.load(open(os.environ[\"MVN_TRIAL\"]))[\"config\"][\"args\"]\n"
            "#\n"
            "# With WANDB_MODE=disabled in its environment, calls of wandb that are left do "
            "nothing.\n"
            "method: grid\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"]}\n"
            "parameters:\n"
            "  args.lr: {values: [1]}\n");
}

TEST(ImportWandb, DistributionsMeanTheSame) {
  Workplace place;
  const auto run =
      imported(place, random("  a: {distribution: log_uniform, min: -2, max: 0}\n"
                             "  b: {distribution: inv_log_uniform, min: -1, max: 2}\n"
                             "  c: {distribution: q_log_uniform, min: 0, max: 3, q: 2}\n"
                             "  d: {distribution: log_uniform_values, min: 1e-5, max: 1}\n"
                             "  e: {distribution: normal}\n"
                             "  f: {distribution: q_beta, b: 3}\n"
                             "  g: {min: 1, max: 3}\n"
                             "  h: {min: 1.0, max: 3}\n"
                             "  i: {values: [x, 'no'], probabilities: [0.25, 0.75]}\n"
                             "  j: {distribution: constant, value: [1, {k: v}]}\n"));
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(body(run.out),
            "method: random\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"]}\n"
            "parameters:\n"
            "  args.a: {distribution: log_uniform_values, min: 0.135335283237, max: 1}  # W&B's "
            "log_uniform has exponents of e: min -2, max 0\n"
            "  args.b: {distribution: inv_log_uniform_values, min: 0.135335283237, max: "
            "2.71828182846}  # W&B's inv_log_uniform has exponents of e: min -1, max 2\n"
            "  args.c: {distribution: q_log_uniform_values, min: 1, max: 20.0855369232, q: 2}  # "
            "W&B's q_log_uniform has exponents of e: min 0, max 3\n"
            "  args.d: {distribution: log_uniform_values, min: 1e-5, max: 1}\n"
            "  args.e: {distribution: normal, mu: 0, sigma: 1}\n"
            "  args.f: {distribution: q_beta, a: 1, b: 3, q: 1}\n"
            "  args.g: {distribution: int_uniform, min: 1, max: 3}\n"
            "  args.h: {distribution: uniform, min: 1.0, max: 3}\n"
            "  args.i: {values: [x, \"no\"], probabilities: [0.25, 0.75]}\n"
            "  args.j: {value: [1, {k: v}]}\n"
            "run_cap: 5\n");
  place.write("sweep.yaml", run.out);
  place.write("train.py", "");
  const auto plan = place.run({"sweep.yaml", "--dry-run"});
  EXPECT_EQ(plan.end.exit_code, 0) << plan.err;
}

TEST(ImportWandb, AGridEndsWhereWandbsDoes) {
  Workplace place;
  const auto run = imported(place, grid("  a: {distribution: q_uniform, min: 0, max: 1, q: 0.25}\n"
                                        "  b: {distribution: q_uniform, min: 0, max: 5, q: 2}\n"
                                        "  c: {min: 1, max: 3}\n"));
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(body(run.out),
            "method: grid\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"]}\n"
            "parameters:\n"
            "  args.a: {distribution: q_uniform, min: 0, max: 0.75, q: 0.25}  # W&B leaves max out "
            "of a grid\n"
            "  args.b: {distribution: q_uniform, min: 0, max: 5, q: 2}\n"
            "  args.c: {min: 1, max: 3}\n");
}

TEST(ImportWandb, WhatIsOtherwiseHereIsSaidAtItsPlace) {
  Workplace place;
  const auto run = imported(place,
                            "project: p\n"
                            "name: My sweep (2)\n"
                            "program: a b.py\n"
                            "command:\n"
                            "  - ${env}\n"
                            "  - ${interpreter}\n"
                            "  - ${program}\n"
                            "  - -m\n"
                            "  - ${args_no_hyphens}\n"
                            "method: bayes\n"
                            "parameters:\n"
                            "  flag: {values: [yes, no]}\n"
                            "  optimizer: {parameters: {lr: {values: [1]}}}\n"
                            "early_terminate: {type: hyperband, min_iter: 3}\n");
  EXPECT_EQ(run.end.exit_code, 0);
  EXPECT_EQ(
      run.err,
      "wandb.yaml:1:1: warning: project: left out: it is W&B's own: results are kept in the "
      "results folder, by sweep\n"
      "  project: p\n"
      "  ^\n"
      "wandb.yaml:1:1: warning: metric: there is none: add the one to compare trials by, such "
      "as metric: {name: eval/loss, goal: minimize}\n"
      "  project: p\n"
      "  ^\n"
      "wandb.yaml:1:1: warning: run_cap: there is none: W&B tries until it is stopped; add how "
      "many trials to run here, such as run_cap: 50\n"
      "  project: p\n"
      "  ^\n"
      "wandb.yaml:2:7: warning: name: 'My sweep (2)' is 'My-sweep-2' here: letters, digits, "
      "'-', '_' and '.' name a folder\n"
      "  name: My sweep (2)\n"
      "        ^\n"
      "wandb.yaml:12:19: warning: parameters: W&B reads 'yes' as true, and so it is written\n"
      "    flag: {values: [yes, no]}\n"
      "                    ^\n"
      "wandb.yaml:12:19: warning: parameters: true and false reach the program as such, not "
      "as Python's True and False\n"
      "    flag: {values: [yes, no]}\n"
      "                    ^\n"
      "wandb.yaml:12:24: warning: parameters: W&B reads 'no' as false, and so it is written\n"
      "    flag: {values: [yes, no]}\n"
      "                         ^\n"
      "wandb.yaml:13:3: warning: optimizer: its parameters reach the program one by one, as "
      "optimizer.NAME=VALUE; W&B writes one optimizer={...} with all of them\n"
      "    optimizer: {parameters: {lr: {values: [1]}}}\n"
      "    ^\n");
  EXPECT_EQ(body(run.out),
            "name: My-sweep-2\n"
            "method: bayes\n"
            "worker: {command: [python3, \"a b.py\", -m, \"${args_no_hyphens}\"]}\n"
            "parameters:\n"
            "  args.flag: {values: [true, false]}\n"
            "  args.optimizer.lr: {values: [1]}\n"
            "early_terminate: {type: hyperband, min_iter: 3}\n");
}

TEST(ImportWandb, WhatCannotBeSaidIsRefusedAtItsPlace) {
  Workplace place;
  EXPECT_EQ(
      refusal(place,
              "methd: grid\n"
              "method: custom\n"
              "metrics: [{name: a}, {name: b}]\n"
              "command: ['${envvar:HOME}', '${prgram}']\n"
              "run_cap: 0\n"
              "parameters: {a: 3, b: {distribution: uniform, min: x, max: 3},\n"
              "  c: {distribution: gaussian}, d: {valeus: [1]}}\n"),
      "wandb.yaml:1:1: unknown key 'methd' of a W&B sweep; did you mean 'method'?\n"
      "  methd: grid\n"
      "  ^\n"
      "wandb.yaml:2:9: method: 'custom' is a controller of your own, which cannot be taken "
      "over\n"
      "  method: custom\n"
      "          ^\n"
      "wandb.yaml:3:1: metrics: a sweep here has one objective; name it as `metric`\n"
      "  metrics: [{name: a}, {name: b}]\n"
      "  ^\n"
      "wandb.yaml:4:11: command: a word cannot be taken from the environment "
      "(${envvar:HOME}): write its value, or let the program read the variable\n"
      "  command: ['${envvar:HOME}', '${prgram}']\n"
      "            ^\n"
      "wandb.yaml:4:29: command: unknown word '${prgram}'; did you mean '${program}'? (known: "
      "${args}, ${args_no_hyphens}, ${args_no_boolean_flags}, ${args_json}, ${program}, "
      "${interpreter}, ${env}, ${args_json_file}, ${envvar:NAME})\n"
      "  command: ['${envvar:HOME}', '${prgram}']\n"
      "                              ^\n"
      "wandb.yaml:5:10: run_cap: expected an integer of at least 1, got '0'\n"
      "  run_cap: 0\n"
      "           ^\n"
      "wandb.yaml:6:17: a: expected a map such as {values: [...]}, got '3'\n"
      "  parameters: {a: 3, b: {distribution: uniform, min: x, max: 3},\n"
      "                  ^\n"
      "wandb.yaml:6:52: b: min: expected a number, got 'x'\n"
      "  parameters: {a: 3, b: {distribution: uniform, min: x, max: 3},\n"
      "                                                     ^\n"
      "wandb.yaml:7:21: c: unknown distribution 'gaussian'\n"
      "    c: {distribution: gaussian}, d: {valeus: [1]}}\n"
      "                      ^\n"
      "wandb.yaml:7:36: d: unknown key 'valeus'; did you mean 'values'? (known: distribution, min, "
      "max, value, values, parameters)\n"
      "    c: {distribution: gaussian}, d: {valeus: [1]}}\n"
      "                                     ^\n"
      "10 problems\n");
  EXPECT_EQ(refusal(place, grid("  lr: {min: 0.0, max: 0.1}\n")),
            "wandb.yaml:5:7: lr: a grid over uniform needs a number of points, which W&B cannot "
            "say: give `values`, or take method: random\n"
            "    lr: {min: 0.0, max: 0.1}\n"
            "        ^\n");
  EXPECT_EQ(refusal(place, "method: grid\nmetric: {name: a}\nparameters: {a: {value: 1}}\n"),
            "wandb.yaml:1:1: program: is required, unless `command` names what to run\n"
            "  method: grid\n"
            "  ^\n");
  EXPECT_EQ(place.run({"import", "wandb", "none.yaml"}).err,
            "none.yaml: cannot read: No such file or directory\n");
}

}  // namespace
}  // namespace mvn::test
