// What files, spools and results folders of strangers can do: nothing but be refused.
#include <gtest/gtest.h>
#include <signal.h>

#include "common/files.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A sweep of one trial that a shell script runs.
std::string sweep(const std::string& more = "") {
  return "name: own\nmetric: {name: loss, goal: minimize}\nretry: {crash: 0}\n"
         "worker: {command: [sh, train.sh]}\nargs: {rank: 4}\n" +
         more;
}

constexpr auto* kMetric =
    "echo '{\"type\":\"metric\",\"step\":1,\"values\":{\"loss\":0.25}}' >> $MVN_SPOOL\n";

TEST(Security, ACommandThatOnlyTheResultsNameIsShownAndNotRun) {
  Workplace place;
  place.write("train.sh", std::string(kMetric) + "echo ran >> ran\n");
  place.write("sweep.yaml", sweep());
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto id = place.rows("SELECT trial FROM trials").at(0);
  const auto ran = [&] { return read_file(place / "ran"); };
  // The user's own file plans this very trial.
  EXPECT_EQ(place.run({"rerun", id, "--verify"}).end.exit_code, 0);
  EXPECT_EQ(ran(), "ran\nran\n");
  const auto folder = std::filesystem::canonical(place / "sweep.yaml").parent_path().string();
  const auto refusal = "mvn-runner: trial " + id +
                       " is run by a command that only the results name, not a sweep file of "
                       "yours:\n  sh train.sh\n  args: {\"rank\":4}\n  in " +
                       folder + "\nwhere you trust it, --run-command runs it\n";
  // It plans another one, it is gone, it came with the results.
  place.write("sweep.yaml", sweep("seed: 3\n"));
  for (const auto& arguments : {Rows{"rerun", id, "--verify"}, Rows{"rerun", id}}) {
    const auto run = place.run(arguments);
    EXPECT_EQ(run.end.exit_code, 64) << run.out;
    EXPECT_EQ(run.err, refusal);
    std::filesystem::remove(place / "sweep.yaml");
  }
  EXPECT_EQ(ran(), "ran\nran\n");
  EXPECT_FALSE(place.has("results/.rerun"));
  EXPECT_EQ(place.run({"rerun", id, "--verify", "--run-command"}).end.exit_code, 0);
  EXPECT_EQ(ran(), "ran\nran\nran\n");
}

TEST(Security, ASpoolLineThatNestsTooDeeplyOrIsTooLongIsSaidOnce) {
  Workplace place;
  place.write("train.py", R"(
import json, os, sys
spool = open(os.environ["MVN_SPOOL"], "a")
spool.write('{"type":"event","message":' + "[" * 100000 + "]" * 100000 + "}\n")
spool.write('{"type":"event","message":"' + "x" * (2 << 20) + '"}\n')
spool.write('{"type":"metric","step":1,"values":{"loss":0.25}}\n')
)");
  place.write("sweep.yaml",
              "name: own\nmetric: {name: loss, goal: minimize}\n"
              "worker: {command: [python3, train.py]}\nargs: {rank: 4}\n");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 1 trial done\n"));
  EXPECT_EQ(
      place.rows("SELECT level, substr(message, 1, 60), length(message) FROM events"),
      (Rows{"damaged|a line of the spool is no record: {\"type\":\"event\",\"message\":|234",
            "damaged|a line of the spool is no record: {\"type\":\"event\",\"message\":|234"}));
  EXPECT_EQ(place.rows("SELECT value FROM metrics"), Rows{"0.25"});
}

TEST(Security, WhatATrialPrintsIsNoCommandToATerminal) {
  Workplace place;
  place.write("train.sh", "printf '\\033]0;owned\\007\\n\\033[2Jlast\\n'; exit 3\n");
  place.write("sweep.yaml", sweep());
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "\n  | \\u001b]0;owned\\u0007\n  | \\u001b[2Jlast\n")) << run.out;
  const auto log = read_file(place / "results/own/runner.log");
  EXPECT_TRUE(contains(log, "\\u001b]0;owned")) << log;
  for (const auto& text : {run.out, run.err, log, place.run({"status"}).out}) {
    EXPECT_FALSE(contains(text, "\x1b")) << text;
  }
}

TEST(Security, SecretsReachTheProgramAndNothingElse) {
  Workplace place;
  place.write("train.sh", std::string(kMetric) + "echo \"$@\" > given\n");
  place.write("sweep.yaml",
              "name: own\nmetric: {name: loss, goal: minimize}\n"
              "worker: {command: [sh, train.sh, --token, tok-1, \"${args}\"]}\n"
              "args: {rank: 4, api_key: key-1}\n");
  const auto run = place.run({"sweep.yaml", "args.password=pass-1"});
  ASSERT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_EQ(read_file(place / "given"),
            "--token tok-1 --api_key=key-1 --password=pass-1 --rank=4\n");
  const auto id = place.rows("SELECT trial FROM trials").at(0);
  const auto database = read_file(place / "results/results.db");
  const auto manifest = read_file(place / "results/own/sweep.json");
  const auto log = read_file(place / "results/own/runner.log");
  for (const auto* secret : {"tok-1", "key-1", "pass-1"}) {
    for (const auto& text : {database, manifest, log}) EXPECT_FALSE(contains(text, secret)) << text;
  }
  using std::filesystem::perms;
  const auto mode = [&](const std::string& name) {
    return std::filesystem::status(place / name).permissions();
  };
  EXPECT_EQ(mode("results/results.db"), perms(0600));
  EXPECT_EQ(mode("results/runner.lock"), perms(0600));
  EXPECT_EQ(mode("results/own/runner.log"), perms(0600));
  EXPECT_EQ(mode("results/own/" + id + "/attempts/1"), perms(0700));
  // The database does not have what the trial was given: only the sweep file does.
  const auto again = place.run({"rerun", id, "--run-command"});
  EXPECT_EQ(again.end.exit_code, 64);
  EXPECT_EQ(again.err, "mvn-runner: trial " + id +
                           " was given args.api_key, a secret, which is not kept; run its sweep "
                           "file instead: sweep.yaml\n");
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  std::filesystem::remove(place / "given");
  const auto other = place.rows("SELECT trial FROM trials WHERE trial <> '" + id + "'").at(0);
  EXPECT_EQ(place.run({"rerun", other}).end.exit_code, 0);
  EXPECT_EQ(read_file(place / "given"), "--token tok-1 --api_key=key-1 --rank=4\n");
}

TEST(Security, ATrialsFoldersAreNoLinksToElsewhere) {
  Workplace place;
  place.write("train.sh", kMetric);
  place.write("sweep.yaml", sweep());
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  const auto id = place.rows("SELECT trial FROM trials").at(0);
  place.write("victim/precious", "x");
  const auto checkpoints = place / ("results/own/" + id + "/checkpoints");
  std::filesystem::create_directory_symlink(place / "victim", checkpoints);
  const auto run = place.run({"rerun", id});
  EXPECT_EQ(run.end.exit_code, 79);
  EXPECT_TRUE(contains(run.err, "/checkpoints: leads out of ")) << run.err;
  EXPECT_TRUE(place.has("victim/precious"));
  EXPECT_EQ(place.rows("SELECT attempts FROM trials"), Rows{"1"});
}

TEST(Security, AnEndlessQueryStopsWhenItIsAskedTo) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  auto query = place.start(
      {"query", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
       "--format", "csv"});
  EXPECT_EQ(query.wait_for("1000"), "1000");
  query.signal(SIGINT);
  EXPECT_EQ(query.finish().end.signal, SIGINT);
}

}  // namespace
}  // namespace mvn::test
