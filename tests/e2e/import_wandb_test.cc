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
  place.write("train.py", "");
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

TEST(ImportWandb, TheHeadSaysThatTheProgramStays) {
  Workplace place;
  const auto run = imported(place, grid("  lr: {values: [1]}\n"));
  EXPECT_EQ(run.out,
            "# wandb.yaml of W&B, by mvn-runner import wandb. train.py runs in the folder of this "
            "file.\n"
            "#\n"
            "# It gets its parameters as W&B's agent gives them, and stays as it is: by `tracker: "
            "wandb`\n"
            "# the `wandb` that it imports is mvn-runner's, and what it logs is recorded here. "
            "Without it\n"
            "# the program reports to W&B itself.\n"
            "method: grid\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"], tracker: wandb}\n"
            "parameters:\n"
            "  args.lr: {values: [1]}\n");
}

TEST(ImportWandb, DistributionsMeanTheSame) {
  Workplace place;
  const auto run =
      imported(place, random("  a: {distribution: log_uniform, min: -2, max: 0}\n"
                             "  b: {distribution: inv_log_uniform, min: -1, max: 2}\n"
                             "  c: {distribution: q_log_uniform, min: 0, max: 3, q: 2}\n"
                             "  d: {distribution: log_uniform_values, min: 1.0e-5, max: 1}\n"
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
            "worker: {command: [python3, train.py, \"${args}\"], tracker: wandb}\n"
            "parameters:\n"
            "  args.a: {distribution: log_uniform_values, min: 0.135335283237, max: 1}  # W&B's "
            "log_uniform has exponents of e: min -2, max 0\n"
            "  args.b: {distribution: inv_log_uniform_values, min: 0.135335283237, max: "
            "2.71828182846}  # W&B's inv_log_uniform has exponents of e: min -1, max 2\n"
            "  args.c: {distribution: q_log_uniform_values, min: 1, max: 20.0855369232, q: 2}  # "
            "W&B's q_log_uniform has exponents of e: min 0, max 3\n"
            "  args.d: {distribution: log_uniform_values, min: 1.0e-5, max: 1}\n"
            "  args.e: {distribution: normal, mu: 0, sigma: 1}\n"
            "  args.f: {distribution: q_beta, a: 1, b: 3, q: 1}\n"
            "  args.g: {distribution: int_uniform, min: 1, max: 3}\n"
            "  args.h: {distribution: uniform, min: 1.0, max: 3}\n"
            "  args.i: {values: [x, \"no\"], probabilities: [0.25, 0.75]}\n"
            "  args.j: {value: [1, {k: v}]}\n"
            "run_cap: 5\n");
  place.write("sweep.yaml", run.out);
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
            "worker: {command: [python3, train.py, \"${args}\"], tracker: wandb}\n"
            "parameters:\n"
            "  args.a: {distribution: q_uniform, min: 0, max: 0.75, q: 0.25}  # W&B leaves max out "
            "of a grid\n"
            "  args.b: {distribution: q_uniform, min: 0, max: 5, q: 2}\n"
            "  args.c: {min: 1, max: 3}\n");
}

TEST(ImportWandb, WhatIsOtherwiseHereIsSaidAtItsPlace) {
  Workplace place;
  place.write("a b.py", "");
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
      "wandb.yaml:1:1: warning: run_cap: there is none: W&B tries until it is stopped; say how "
      "many trials to run here: mvn-runner NEW.yaml run_cap=50\n"
      "  project: p\n"
      "  ^\n"
      "wandb.yaml:2:7: warning: name: 'My sweep (2)' is 'My-sweep-2' here: letters, digits, "
      "'-', '_' and '.' name a folder\n"
      "  name: My sweep (2)\n"
      "        ^\n"
      "wandb.yaml:12:19: warning: W&B reads 'yes' as true, and so it is written\n"
      "    flag: {values: [yes, no]}\n"
      "                    ^\n"
      "wandb.yaml:12:19: warning: parameters: true and false reach the program as such, not "
      "as Python's True and False\n"
      "    flag: {values: [yes, no]}\n"
      "                    ^\n"
      "wandb.yaml:12:24: warning: W&B reads 'no' as false, and so it is written\n"
      "    flag: {values: [yes, no]}\n"
      "                         ^\n"
      "wandb.yaml:13:3: warning: optimizer: its parameters reach the program one by one, as "
      "optimizer.NAME=VALUE; W&B writes one optimizer={...} with all of them\n"
      "    optimizer: {parameters: {lr: {values: [1]}}}\n"
      "    ^\n");
  EXPECT_EQ(body(run.out),
            "name: My-sweep-2\n"
            "method: bayes\n"
            "worker: {command: [python3, \"a b.py\", -m, \"${args_no_hyphens}\"], tracker: wandb}\n"
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
      "${args}, ${args_no_hyphens}, ${args_no_equals}, ${args_no_boolean_flags}, ${args_json}, "
      "${args_append_hydra}, ${args_override_hydra}, ${program}, ${interpreter}, ${env}, "
      "${args_json_file}, ${envvar:NAME})\n"
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
            "wandb.yaml:1:1: program: there is none, as where an agent calls a function; name the "
            "program that calls it: mvn-runner import wandb wandb.yaml --program train.py\n"
            "  method: grid\n"
            "  ^\n");
  EXPECT_EQ(place.run({"import", "wandb", "none.yaml"}).err,
            "none.yaml: cannot read: No such file or directory\n");
}

TEST(ImportWandb, NumbersAreThoseOfPython) {
  Workplace place;
  const auto run = imported(place, grid("  a: {values: [010, 1_000, 0b101, 1:30, 0x1f, +5, 007]}\n"
                                        "  b: {values: [08, 0o17, 1.5, 1_0.5, 2e-5, 1e-5, .inf]}\n"
                                        "  c: {values: [null, ~, 'null', Yes]}\n"
                                        "  d: {distribution: int_uniform, min: 010, max: 012}\n"));
  const auto warning = [](const std::string& where, const std::string& text,
                          const std::string& line, std::size_t column) {
    return "wandb.yaml:" + where + ": warning: " + text + "\n  " + line + "\n  " +
           std::string(column - 1, ' ') + "^\n";
  };
  const std::string a = "  a: {values: [010, 1_000, 0b101, 1:30, 0x1f, +5, 007]}";
  const std::string b = "  b: {values: [08, 0o17, 1.5, 1_0.5, 2e-5, 1e-5, .inf]}";
  const std::string c = "  c: {values: [null, ~, 'null', Yes]}";
  const std::string d = "  d: {distribution: int_uniform, min: 010, max: 012}";
  const std::string written = ", and so it is written";
  EXPECT_EQ(
      run.err,
      warning("5:16", "W&B reads '010' as 8" + written, a, 16) +
          warning("5:21", "W&B reads '1_000' as 1000" + written, a, 21) +
          warning("5:28", "W&B reads '0b101' as 5" + written, a, 28) +
          warning("5:35", "W&B reads '1:30' as 90" + written, a, 35) +
          warning("6:16", "W&B reads '08' as a text" + written, b, 16) +
          warning("6:20", "W&B reads '0o17' as a text" + written, b, 20) +
          warning("6:31", "W&B reads '1_0.5' as 10.5" + written, b, 31) +
          warning("6:38",
                  "W&B reads '2e-5', which has no point or no sign before its exponent, as a text: "
                  "it and its like are written as the numbers they are",
                  b, 38) +
          warning("6:50", "W&B reads '.inf' as inf" + written, b, 50) +
          warning("7:16", "c: W&B hands null to the program as None" + written, c, 16) +
          warning("7:22", "c: W&B hands null to the program as None" + written, c, 22) +
          warning("7:33", "W&B reads 'Yes' as true" + written, c, 33) +
          warning("7:33",
                  "parameters: true and false reach the program as such, not as Python's True and "
                  "False",
                  c, 33) +
          warning("8:39", "W&B reads '010' as 8" + written, d, 39) +
          warning("8:49", "W&B reads '012' as 10" + written, d, 49));
  EXPECT_EQ(body(run.out),
            "method: grid\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"], tracker: wandb}\n"
            "parameters:\n"
            "  args.a: {values: [8, 1000, 5, 90, 0x1f, +5, 007]}\n"
            "  args.b: {values: [\"08\", \"0o17\", 1.5, 10.5, 2e-5, 1e-5, inf]}\n"
            "  args.c: {values: [None, None, \"null\", true]}\n"
            "  args.d: {min: 8, max: 10}\n");
}

TEST(ImportWandb, MergeKeysAndTagsAreResolved) {
  Workplace place;
  const auto run = imported(place,
                            "program: train.py\nmethod: grid\nmetric: {name: loss}\n"
                            "parameters:\n"
                            "  a: &a {values: !!seq [!!float 1, !!int '2', !!str 3, !!bool yes]}\n"
                            "  b: {<<: *a, distribution: categorical}\n"
                            "  c:\n"
                            "    values: [4]\n"
                            "    <<: [{distribution: categorical, values: [5]}, *a]\n");
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_EQ(body(run.out),
            "method: grid\n"
            "metric: {name: loss, goal: minimize}\n"
            "worker: {command: [python3, train.py, \"${args}\"], tracker: wandb}\n"
            "parameters:\n"
            "  args.a: {values: [1.0, 2, \"3\", true]}\n"
            "  args.b: {values: [1.0, 2, \"3\", true]}\n"
            "  args.c: {values: [4]}\n");
  EXPECT_EQ(
      refusal(place, grid("  a: {values: [!!python/tuple [1]]}\n")),
      "wandb.yaml:5:16: tags ('tag:yaml.org,2002:python/tuple') are not supported: types come "
      "from the parameters\n"
      "    a: {values: [!!python/tuple [1]]}\n"
      "                 ^\n");
}

TEST(ImportWandb, BoundsThatAreSurelyValuesAreSaid) {
  Workplace place;
  const auto run =
      imported(place, random("  a: {distribution: log_uniform, min: 0.0001, max: 0.1}\n"));
  EXPECT_EQ(run.err,
            "wandb.yaml:6:6: warning: a: to W&B, the bounds of log_uniform are exponents of e: it "
            "draws from 1.000100005 to 1.10517091808; where 0.0001 and 0.1 are the values "
            "themselves, write log_uniform_values there and import it again\n"
            "    a: {distribution: log_uniform, min: 0.0001, max: 0.1}\n"
            "       ^\n");
  EXPECT_EQ(
      refusal(place, random("  a: {distribution: log_uniform, min: 0.0001, max: 1000}\n"
                            "  b: {distribution: inv_log_uniform, min: -2, max: 1000}\n")),
      "wandb.yaml:6:6: a: to W&B, the bounds of log_uniform are exponents of e, and no number "
      "holds e^1000; where 0.0001 and 1000 are the values themselves, write "
      "log_uniform_values there\n"
      "    a: {distribution: log_uniform, min: 0.0001, max: 1000}\n"
      "       ^\n"
      "wandb.yaml:7:6: b: to W&B, the bounds of inv_log_uniform are exponents of e, and no "
      "number holds e^1000; where -2 and 1000 are the values themselves, write "
      "inv_log_uniform_values there\n"
      "    b: {distribution: inv_log_uniform, min: -2, max: 1000}\n"
      "       ^\n"
      "2 problems\n");
}

TEST(ImportWandb, WordsOfACommand) {
  Workplace place;
  const auto words = [&](const std::string& word) {
    const auto run =
        imported(place, grid("  a: {value: 1}\n") + "command: [python, train.py, " + word + "]\n");
    EXPECT_EQ(run.end.exit_code, 0) << run.err;
    const auto at = run.out.find("worker:");
    return run.out.substr(at, run.out.find('\n', at) - at);
  };
  for (const std::string word : {"${args_no_equals}", "${args_append_hydra}",
                                 "${args_override_hydra}", "${args_no_hyphens}"}) {
    EXPECT_EQ(words("'" + word + "'"),
              "worker: {command: [python, train.py, \"" + word + "\"], tracker: wandb}");
  }
  EXPECT_EQ(
      words("010, on, 'on', '${args}'"),
      "worker: {command: [python, train.py, \"8\", \"True\", on, \"${args}\"], tracker: wandb}");
  EXPECT_EQ(refusal(place, grid("  a: {value: 1}\n") +
                               "command: [python, '--d=${envvar:D}', '--e=${HOME}']\n"),
            "wandb.yaml:6:19: command: a word cannot be taken from the environment "
            "(--d=${envvar:D}): write its value, or let the program read the variable\n"
            "  command: [python, '--d=${envvar:D}', '--e=${HOME}']\n"
            "                    ^\n"
            "wandb.yaml:6:38: command: W&B hands '--e=${HOME}' to the program as it stands, no "
            "shell reads it: write what is meant\n"
            "  command: [python, '--d=${envvar:D}', '--e=${HOME}']\n"
            "                                       ^\n"
            "2 problems\n");
}

TEST(ImportWandb, RungsAreThoseThatWandbGoesBy) {
  Workplace place;
  const auto rule = [&](const std::string& keys) {
    const auto run = imported(
        place, grid("  a: {value: 1}\n") + "early_terminate: {type: hyperband, " + keys + "}\n");
    EXPECT_EQ(run.end.exit_code, 0) << run.err;
    place.write("sweep.yaml", run.out);
    EXPECT_EQ(place.run({"plan", "sweep.yaml"}).end.exit_code, 0);
    const auto at = run.out.rfind("early_terminate");
    return run.err.substr(0, run.err.find('\n')) + "|" + run.out.substr(at);
  };
  EXPECT_EQ(rule("min_iter: 3, s: 2"),
            "wandb.yaml:6:49: warning: early_terminate: s: left out: W&B goes by min_iter unless "
            "both max_iter and s are given|early_terminate: {type: hyperband, min_iter: 3}\n");
  EXPECT_EQ(rule("min_iter: 3, max_iter: 27"),
            "wandb.yaml:6:49: warning: early_terminate: max_iter: left out: W&B goes by min_iter "
            "unless both max_iter and s are given|early_terminate: {type: hyperband, min_iter: "
            "3}\n");
  EXPECT_EQ(rule("min_iter: 3, max_iter: 27, s: 2, strict: no"),
            "wandb.yaml:6:36: warning: early_terminate: min_iter: left out: W&B goes by max_iter "
            "and s where both are given|early_terminate: {type: hyperband, max_iter: 27, s: 2, "
            "strict: false}\n");
  EXPECT_EQ(refusal(place, grid("  a: {value: 1}\n") +
                               "early_terminate: {type: hyperband, max_iter: 27}\n"),
            "wandb.yaml:6:18: early_terminate: hyperband needs `min_iter`, or `max_iter` and `s`\n"
            "  early_terminate: {type: hyperband, max_iter: 27}\n"
            "                   ^\n");
}

TEST(ImportWandb, ImputationAndASeedAxisAreSaid) {
  Workplace place;
  const auto run = imported(place,
                            "program: train.py\nmethod: bayes\nrun_cap: 12\n"
                            "metric: {name: loss, impute: latest, impute_while_running: best}\n"
                            "parameters: {seed: {values: [1, 2]}}\n");
  EXPECT_EQ(run.err,
            "wandb.yaml:4:30: warning: metric: impute: left out: a trial that fails counts as the "
            "worst here\n"
            "  metric: {name: loss, impute: latest, impute_while_running: best}\n"
            "                               ^\n"
            "wandb.yaml:4:60: warning: metric: impute_while_running: left out: a trial that runs "
            "counts as a bad one here\n"
            "  metric: {name: loss, impute: latest, impute_while_running: best}\n"
            "                                                             ^\n"
            "wandb.yaml:5:14: warning: seed: stays a parameter of the program; for means and "
            "intervals over the seeds, write repeats: {seeds: [0, 1, 2]} instead of args.seed, and "
            "--seed=${seed} in worker.command\n"
            "  parameters: {seed: {values: [1, 2]}}\n"
            "               ^\n");
  EXPECT_EQ(imported(place,
                     "program: train.py\nmethod: grid\n"
                     "metric: {name: loss, impute: worst, impute_while_running: 'false'}\n"
                     "parameters: {seed: {value: 3}}\n")
                .err,
            "");
}

// A file of a sub folder, whose program is where `wandb sweep` was typed.
TEST(ImportWandb, TheProgramRunsWhereWandbSweepWasTyped) {
  Workplace place;
  place.write("src/train.py", "import os\nprint(os.getcwd())\n");
  place.write("sweeps/wandb.yaml",
              "program: src/train.py\nmethod: grid\nmetric: {name: loss}\n"
              "parameters: {a: {values: [1]}}\n");
  const auto run =
      place.run({"import", "wandb", "sweeps/wandb.yaml", "--output", "sweeps/ours.yaml"});
  ASSERT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const auto sweep = read_file(place / "sweeps/ours.yaml");
  EXPECT_NE(sweep.find("src/train.py runs in the folder\n# that `cwd` names, from this file's.\n"),
            std::string::npos)
      << sweep;
  EXPECT_NE(
      sweep.find(
          "worker: {command: [python3, src/train.py, \"${args}\"], cwd: .., tracker: wandb}\n"),
      std::string::npos)
      << sweep;
  ASSERT_EQ(place.run({"sweeps/ours.yaml"}).end.exit_code, 0);
  const auto folder = place.rows("SELECT folder FROM trials").front();
  EXPECT_EQ(read_file(place / ("results/" + folder + "/attempts/1/log.txt")),
            (place / "src").parent_path().string() + "\n");
  // Printed, it is for this folder.
  const auto printed = place.run({"import", "wandb", "sweeps/wandb.yaml"});
  EXPECT_NE(
      printed.out.find("worker: {command: [python3, src/train.py, \"${args}\"], tracker: wandb}\n"),
      std::string::npos)
      << printed.out;
  place.write("sweeps/wandb.yaml",
              "program: gone.py\nmethod: grid\nmetric: {name: loss}\n"
              "parameters: {a: {values: [1]}}\n");
  EXPECT_EQ(place.run({"import", "wandb", "sweeps/wandb.yaml"}).err,
            "sweeps/wandb.yaml:1:1: warning: program: there is no 'gone.py' in this folder, nor "
            "where the file is or above: add the folder to run in as worker: {command: [...], cwd: "
            "FOLDER}\n"
            "  program: gone.py\n"
            "  ^\n");
}

TEST(ImportWandb, TheProgramMayBeNamedOnTheCommandLine) {
  Workplace place;
  place.write("train.py", kProgram);
  place.write("wandb.yaml",
              "method: random\nmetric: {name: loss}\n"
              "parameters: {lr: {values: [0.5]}, batch_size: {value: 4}}\n");
  const auto run = place.run(
      {"import", "wandb", "wandb.yaml", "--program", "train.py", "--output", "ours.yaml"});
  ASSERT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_EQ(run.err,
            "wandb.yaml:1:1: warning: run_cap: there is none: W&B tries until it is stopped; say "
            "how many trials to run here: mvn-runner ours.yaml run_cap=50\n"
            "  method: random\n"
            "  ^\n");
  EXPECT_EQ(
      run.out,
      "wrote ours.yaml; see what it runs with\n  mvn-runner ours.yaml run_cap=50 --dry-run\n");
  const auto without = place.run({"ours.yaml"});
  EXPECT_EQ(without.end.exit_code, 64);
  EXPECT_NE(without.err.find("method: random needs `run_cap`, the number of trials: add it to the "
                             "file, or run 'mvn-runner ours.yaml run_cap=50'\n"),
            std::string::npos)
      << without.err;
  EXPECT_EQ(place.run({"ours.yaml", "run_cap=50"}).end.exit_code, 0);
  EXPECT_EQ(place.rows("SELECT objective FROM trials"), Rows{"2.0"});
  EXPECT_EQ(place.run({"import", "gpt-neo", "c.json", "--program", "x"}).err,
            "mvn-runner: import gpt-neo writes two files, named after FILE, and takes no "
            "--program\n");
}

TEST(ImportWandb, IsNamedWhereARunIsGivenItsFile) {
  Workplace place;
  place.write("wandb.yaml", grid("  lr: {values: [1]}\n"));
  const auto run = place.run({"wandb.yaml"});
  EXPECT_EQ(run.end.exit_code, 64);
  EXPECT_EQ(run.err,
            "wandb.yaml:1:1: this looks like a sweep file of W&B: 'mvn-runner import wandb "
            "wandb.yaml --output NEW.yaml' makes one of mvn-runner of it\n"
            "  program: train.py\n"
            "  ^\n");
}

}  // namespace
}  // namespace mvn::test
