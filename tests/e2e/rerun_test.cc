// What happens to trials when their sweep, plugin or data changes, and trials that run once more.
#include <gtest/gtest.h>

#include "e2e/harness.h"

namespace mvn::test {
namespace {

using Rows = std::vector<std::string>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Changed, TrialsThatTheFileNoLongerNamesStay) {
  Workplace place;
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2", "repeats: {seeds: [0, 1]}\n"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  // An axis is gone, another one is new.
  place.write("sweep.yaml", sweep_text("", "0.1", "  model.size: {values: [1, 2]}\n"));
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "demo: 2 trials, 0 done, 2 to run;")) << run.out;
  EXPECT_EQ(place.rows("SELECT current, count(*), sum(attempts) FROM trials GROUP BY current"),
            (Rows{"0|4|4", "1|2|2"}));
  // Back to the first one: all of it is there.
  place.write("sweep.yaml", sweep_text("", "0.1, 0.2", "repeats: {seeds: [0, 1]}\n"));
  EXPECT_TRUE(place.run({"sweep.yaml"}).out.starts_with("nothing to do: 4 trials done\n"));
  EXPECT_EQ(place.rows("SELECT count(*) FROM trials WHERE current"), Rows{"4"});
}

TEST(Changed, DataAndPluginsAreNoticedAndTheTrialsKept) {
  Workplace place;
  place.write("rows.tsv", "one");
  place.write("fake.so", "one");
  place.write("sweep.yaml", sweep_text("data: rows.tsv"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  EXPECT_FALSE(contains(place.run({"sweep.yaml"}).out, "warning"));
  place.write("rows.tsv", "two");
  place.write("fake.so", "another");
  const auto run = place.run({"sweep.yaml"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(run.out.starts_with(
      "warning: 2 finished trials were trained with a data file that has changed since "
      "(rows.tsv): they are kept; --rerun-changed trains them again\n"
      "warning: 2 finished trials were trained with another build of plugin fake: they are kept; "
      "--rerun-changed trains them again\n"
      "nothing to do: 2 trials done\n"))
      << run.out;
  EXPECT_EQ(place.rows("SELECT sum(attempts) FROM trials"), Rows{"2"});
}

TEST(Changed, RerunChangedTrainsThemFromScratch) {
  Workplace place;
  place.write("rows.tsv", "one");
  place.write("sweep.yaml", sweep_text("data: rows.tsv, steps: 3, drift: drift"));
  ASSERT_EQ(place.run({"sweep.yaml"}).end.exit_code, 0);
  place.write("rows.tsv", "two");
  place.write("drift", "0.5");
  const auto plan = place.run({"plan", "sweep.yaml", "--rerun-changed"});
  EXPECT_TRUE(contains(plan.out, "lr=0.1   changed  train  ")) << plan.out << plan.err;
  const auto run = place.run({"sweep.yaml", "--rerun-changed"});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "(rows.tsv): trained again from scratch\n")) << run.out;
  EXPECT_TRUE(contains(run.out, "demo: 2 trials, 0 done, 2 to run;")) << run.out;
  const std::string attempts =
      "SELECT attempt, resumed_step, state FROM mvn_attempt WHERE trial = 1 ORDER BY attempt";
  EXPECT_EQ(place.rows(attempts), (Rows{"1|0|done", "2|0|done"}));
  // The latest values count, the others are kept; so it is in a database made anew.
  const std::string values =
      "SELECT attempt, round(value, 3) FROM mvn_metric JOIN mvn_metric_name n ON n.id = "
      "mvn_metric.name WHERE trial = 1 AND n.name = 'train/loss' AND step = 3 ORDER BY attempt";
  EXPECT_EQ(place.rows(values), (Rows{"1|0.333", "2|0.833"}));
  const std::string counts = "SELECT attempt, count(*) FROM metrics GROUP BY attempt";
  EXPECT_EQ(place.rows(counts), Rows{"2|14"});
  EXPECT_TRUE(place.run({"sweep.yaml", "--rerun-changed"}).out.starts_with("nothing to do:"));
  ASSERT_EQ(place.run({"collect", "--rebuild"}).end.exit_code, 0);
  EXPECT_EQ(place.rows(values), (Rows{"1|0.333", "2|0.833"}));
  EXPECT_EQ(place.rows(counts), Rows{"2|14"});
}

class Rerun : public testing::Test {
 protected:
  // Runs a sweep of one trial; its id.
  std::string run_one(const std::string& task = "steps: 4, drift: drift") {
    place_.write("sweep.yaml", sweep_text(task, "0.1"));
    EXPECT_EQ(place_.run({"sweep.yaml"}).end.exit_code, 0);
    return place_.rows("SELECT trial FROM trials").at(0);
  }
  Rows everything() const {
    return place_.rows(
        "SELECT trial, name, step, attempt, value FROM mvn_metric ORDER BY 1, 2, 3, 4");
  }

  Workplace place_;
};

TEST_F(Rerun, VerifiesFromTheDatabaseAlone) {
  const auto id = run_one();
  const auto before = everything();
  std::filesystem::remove(place_ / "sweep.yaml");
  const auto same = place_.run({"rerun", id.substr(0, 6), "--verify"});
  EXPECT_EQ(same.end.exit_code, 0) << same.out << same.err;
  EXPECT_TRUE(contains(same.out, "trial " + id + " of demo is trained again in results/.rerun/"))
      << same.out;
  EXPECT_TRUE(contains(same.out, "\nbit-equal: 5 values of 2 metrics and the model (1 file)\n"))
      << same.out;
  EXPECT_EQ(everything(), before);
  EXPECT_FALSE(place_.has("results/.rerun"));
  EXPECT_EQ(place_.rows("SELECT count(*) FROM mvn_attempt"), Rows{"1"});
}

TEST_F(Rerun, SaysWhereAndByHowMuchItDiffers) {
  const auto id = run_one();
  place_.write("drift", "1e-9");
  const auto near = place_.run({"rerun", id, "--verify", "--keep"});
  EXPECT_EQ(near.end.exit_code, 0) << near.err;
  EXPECT_TRUE(contains(near.out,
                       "\nwithin tolerance (1e-05): the largest relative difference is "
                       "4.00000009e-09, at step 4 in train/loss; the model's bytes differ in "
                       "model.safetensors\n"))
      << near.out;
  EXPECT_TRUE(contains(near.out, "\nkept in results/.rerun/" + id)) << near.out;
  EXPECT_TRUE(place_.has("results/.rerun"));
  const auto strict = place_.run({"rerun", id, "--verify", "--tolerance", "0"});
  EXPECT_EQ(strict.end.exit_code, 1);
  place_.write("drift", "0.25");
  const auto far = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(far.end.exit_code, 1);
  EXPECT_TRUE(contains(far.out,
                       "\ndifferent: first at step 3, train/loss: 0.333333333 against "
                       "0.583333333\n"))
      << far.out;
}

TEST_F(Rerun, NamesWhatIsAnotherThingThanItWas) {
  place_.write("fake.so", "one");
  place_.write("rows.tsv", "one");
  const auto id = run_one("steps: 4, data: rows.tsv");
  place_.write("fake.so", "two!");
  const auto run = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "\n  plugin.fake: ")) << run.out;
  EXPECT_FALSE(contains(run.out, "data.")) << run.out;
}

TEST_F(Rerun, InPlaceIsANewAttemptWhoseValuesCount) {
  const auto id = run_one();
  place_.write("drift", "0.25");
  const auto run = place_.run({"rerun", id});
  EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(contains(run.out, "trial " + id + " is done\n")) << run.out;
  EXPECT_EQ(place_.rows("SELECT attempts, state, current FROM trials"), Rows{"2|done|1"});
  EXPECT_EQ(place_.rows("SELECT value FROM metrics WHERE name = 'train/loss' AND step = 4"),
            Rows{"0.5"});
  EXPECT_TRUE(place_.run({"sweep.yaml"}).out.starts_with("nothing to do: 1 trial done\n"));
}

TEST_F(Rerun, WhatDivergedIsExpectedToDivergeAgain) {
  const auto id = run_one("code: 78, message: the loss is NaN");
  const auto run = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(run.end.exit_code, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "\nbit-equal: 4 values of 1 metric; no model to compare\n"))
      << run.out;
}

TEST_F(Rerun, AnEndOfAnotherKindIsADifferenceAndKept) {
  place_.write("fixed", "");
  const auto id = run_one("fail_until: fixed");
  std::filesystem::remove(place_ / "fixed");
  const auto run = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "\ndifferent: trial " + id + " is done, and now failed; see "))
      << run.out;
  EXPECT_TRUE(place_.has("results/.rerun"));
}

TEST_F(Rerun, SaysWhatCannotBeVerified) {
  place_.write("sweep.yaml", sweep_text("exit: 3", "0.1", "retry: {crash: 0}\n"));
  EXPECT_EQ(place_.run({"sweep.yaml"}).end.exit_code, 1);
  const auto id = place_.rows("SELECT trial FROM trials").at(0);
  const auto failed = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(failed.end.exit_code, 64);
  EXPECT_EQ(failed.err,
            "mvn-runner: trial " + id + " is failed: only a trial that ended is verified\n");
  const auto unknown = place_.run({"rerun", "ffffffffffffff", "--verify"});
  EXPECT_EQ(unknown.end.exit_code, 64);
  EXPECT_EQ(unknown.err,
            "mvn-runner: no trial of results has an id that begins with 'ffffffffffffff'; "
            "mvn-runner query \"SELECT trial, sweep, params, state FROM trials\"\n");
  const auto digit = place_.run({"rerun", id.substr(0, 1)});
  EXPECT_EQ(digit.end.exit_code, 64);
  EXPECT_EQ(digit.err, "mvn-runner: '" + id.substr(0, 1) + "' would be demo/" + id +
                           " ({\"optimizer.lr\":0.1}), whose results another training takes the "
                           "place of: give at least 4 digits of its id, or --verify\n");
  EXPECT_EQ(place_.rows("SELECT count(*) FROM mvn_attempt"), Rows{"1"});
  Workplace empty;
  EXPECT_EQ(empty.run({"rerun", "aa"}).err,
            "mvn-runner: results/results.db: no such database; name its folder with --results\n");
}

TEST_F(Rerun, APrograms) {
  place_.write(
      "train.sh",
      "echo '{\"type\":\"metric\",\"step\":1,\"values\":{\"loss\":0.25}}' >> $MVN_SPOOL\n");
  place_.write("sweep.yaml",
               "name: own\nmetric: {name: loss, goal: minimize}\n"
               "worker: {command: [sh, train.sh]}\nargs: {rank: 4}\n");
  ASSERT_EQ(place_.run({"sweep.yaml"}).end.exit_code, 0);
  const auto id = place_.rows("SELECT trial FROM trials").at(0);
  const auto same = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(same.end.exit_code, 0) << same.out << same.err;
  EXPECT_TRUE(contains(same.out, "\nbit-equal: 1 value of 1 metric; no model to compare\n"))
      << same.out;
  place_.write("train.sh",
               "echo '{\"type\":\"metric\",\"step\":1,\"values\":{\"loss\":0.5}}' >> $MVN_SPOOL\n");
  EXPECT_TRUE(contains(place_.run({"sweep.yaml"}).out,
                       "warning: 1 finished trial was trained with a program that has changed "
                       "since (train.sh): it is kept; --rerun-changed trains it again\n"));
  const auto other = place_.run({"rerun", id, "--verify"});
  EXPECT_EQ(other.end.exit_code, 1);
  EXPECT_TRUE(
      contains(other.out, "\ndifferent: first at step 1, loss: 0.25 against 0.5\n  program."))
      << other.out;
}

}  // namespace
}  // namespace mvn::test
