// The views in the plain sqlite3 library, without anything of ours.
#include "fixture.h"

namespace mvn {
namespace {

class ViewsTest : public StoreTest {
 protected:
  ViewsTest() : store_(database()) {}

  void finish(const std::string& id, const std::string& accuracy, const AttemptEnd& end = {}) {
    run_trial(store_, "s", id_of(id),
              {metric_line(1, "eval/accuracy", "0.9"), metric_line(2, "eval/accuracy", accuracy)},
              end);
  }

  Store store_;
};

TEST_F(ViewsTest, GroupStatsGiveMeanSpreadAndStudentsInterval) {
  std::vector<PlannedTrial> trials;
  for (int seed = 0; seed < 3; ++seed) {
    trials.push_back(planned("a" + std::to_string(seed), {{"model.plugin", "gptneo"}}, seed));
    trials.push_back(planned("b" + std::to_string(seed), {{"model.plugin", "mamba"}}, seed));
  }
  store_.record_plan(plan_of("s", trials));
  finish("a0", "0.5");
  finish("a1", "0.6");
  finish("a2", "0.7");
  finish("b0", "0.8");
  finish("b1", "0.82");
  // By hand: sd = 0.1, half = 4.302653 * 0.1 / sqrt(3) = 0.248414; for two values
  // sd = 0.0141421, half = 12.706205 * 0.01 = 0.127062.
  EXPECT_EQ(rows("SELECT sweep, stage, rank, params, n, mean, sd, low, high, metric, goal, missing"
                 " FROM group_stats"),
            (Rows{"s||1|model=mamba|2|0.81|0.0141|0.682938|0.937062|eval/accuracy|maximize|1",
                  "s||2|model=gptneo|3|0.6|0.1|0.351586|0.848414|eval/accuracy|maximize|0"}));
}

TEST_F(ViewsTest, ComparisonsGiveTheBestOnesLeadWithWelchsInterval) {
  std::vector<PlannedTrial> trials;
  for (int seed = 0; seed < 3; ++seed) {
    trials.push_back(planned("a" + std::to_string(seed), {{"optimizer.lr", 1}}, seed));
    trials.push_back(planned("b" + std::to_string(seed), {{"optimizer.lr", 2}}, seed));
  }
  trials.push_back(planned("c0", {{"optimizer.lr", 3}}, 0));
  store_.record_plan(plan_of("s", trials));
  finish("a0", "0.5");
  finish("a1", "0.6");
  finish("a2", "0.7");
  finish("b0", "0.8");
  finish("b1", "0.82");
  finish("b2", "0.84");
  finish("c0", "0.4");
  // By hand: errors 0.01 / 3 and 0.0004 / 3, of which 2.16 degrees of freedom, read as 2:
  // 4.302653 * sqrt(0.0104 / 3) = 0.253333.
  EXPECT_EQ(rows("SELECT best, other, round(difference, 6), round(low, 6), round(high, 6), n_best,"
                 " n_other, metric FROM comparisons"),
            (Rows{"lr=2|lr=1|0.22|-0.033333|0.473333|3|3|eval/accuracy",
                  "lr=2|lr=3|0.42|NULL|NULL|3|1|eval/accuracy"}));
}

TEST_F(ViewsTest, OneSeedHasNoInterval) {
  store_.record_plan(plan_of("s", {planned("a0", Json::object(), 0)}));
  finish("a0", "0.5");
  EXPECT_EQ(row("SELECT rank, n, mean, sd, low, high FROM group_stats"), "1|1|0.5|NULL|NULL|NULL");
}

TEST_F(ViewsTest, WhatIsNotDoneOrNotFiniteDoesNotCount) {
  std::vector<PlannedTrial> trials;
  for (int seed = 0; seed < 5; ++seed) {
    trials.push_back(planned("a" + std::to_string(seed), {{"optimizer.lr", 1}}, seed));
  }
  trials.push_back(planned("b0", {{"optimizer.lr", 2}}, 0));
  store_.record_plan(plan_of("s", trials));
  finish("a0", "0.5");
  finish("a1", "NaN");
  finish("a2", "Infinity");
  finish("a3", "0.9", {TrialState::kFailed, 1, std::nullopt, "crashed", ""});
  EXPECT_EQ(rows("SELECT rank, params, n, mean, missing FROM group_stats"),
            (Rows{"1|lr=1|1|0.5|4", "NULL|lr=2|0|NULL|1"}));
}

TEST_F(ViewsTest, MinimizedMetricsRankTheOtherWay) {
  SweepPlan plan = plan_of(
      "s", {planned("a0", {{"optimizer.lr", 1}}, 0), planned("b0", {{"optimizer.lr", 2}}, 0)});
  plan.metrics[""] = {"eval/accuracy", false};
  store_.record_plan(plan);
  finish("a0", "0.5");
  finish("b0", "0.25");
  EXPECT_EQ(rows("SELECT rank, params, goal FROM group_stats"),
            (Rows{"1|lr=2|minimize", "2|lr=1|minimize"}));
  EXPECT_EQ(rows("SELECT params, best, step, last FROM best"),
            (Rows{"lr=2|0.25|2|0.25", "lr=1|0.5|2|0.5"}));
}

TEST_F(ViewsTest, BestIsTheBestStepAndObjectiveTheLast) {
  store_.record_plan(plan_of("s", {planned("a0", Json::object(), 0)}));
  finish("a0", "0.5");
  EXPECT_EQ(row("SELECT best, step, last, metric FROM best"), "0.9|1|0.5|eval/accuracy");
  EXPECT_EQ(row("SELECT objective, metric FROM trials"), "0.5|eval/accuracy");
  EXPECT_EQ(rows("SELECT name, value, step FROM finals"), Rows{"eval/accuracy|0.5|2"});
}

TEST_F(ViewsTest, CurvesAverageOverSeeds) {
  store_.record_plan(
      plan_of("s", {planned("a0", Json::object(), 0), planned("a1", Json::object(), 1)}));
  finish("a0", "0.5");
  finish("a1", "1.0");
  EXPECT_EQ(rows("SELECT name, step, mean, n, round(sd, 6), min, max FROM curves"),
            (Rows{"eval/accuracy|1|0.9|2|0.0|0.9|0.9", "eval/accuracy|2|0.75|2|0.353553|0.5|1.0"}));
}

// What a metric is decides which interval makes sense.
TEST_F(ViewsTest, CountsHaveNoIntervalAndSharesEndAtNothingAndAll) {
  store_.record_plan(
      plan_of("s", {planned("a0", Json::object(), 0), planned("a1", Json::object(), 1)}));
  for (const auto& [id, padding, games, accuracy, loss] :
       {std::tuple{"a0", "0.0", "40", "0.9", "0.5"}, {"a1", "0.0625", "170", "1.0", "0.75"}}) {
    run_trial(
        store_, "s", id_of(id),
        {metric_line(1, "train/padding", padding), metric_line(1, "eval/majority", "1.0"),
         metric_line(1, "eval/predicted/games", games), metric_line(1, "eval/accuracy", accuracy),
         metric_line(1, "eval/loss", loss), metric_line(1, "train/tokens_per_second", "100")});
  }
  EXPECT_EQ(rows("SELECT name, kind, mean, round(low, 3), round(high, 3) FROM group_metrics"
                 " ORDER BY name"),
            (Rows{"eval/accuracy|score|0.95|0.315|1.585", "eval/loss|loss|0.625|-0.963|2.213",
                  "eval/majority|share|1.0|1.0|1.0", "eval/predicted/games|count|105.0|NULL|NULL",
                  "train/padding|share|0.03125|0.0|0.428",
                  "train/tokens_per_second|rate|100.0|100.0|100.0"}));
}

TEST_F(ViewsTest, StagesKeepTheirOrder) {
  store_.record_plan(plan_of("s", {planned("a0", Json::object(), 0, "pretrain"),
                                   planned("b0", Json::object(), 0, "classify")}));
  finish("b0", "0.9");
  finish("a0", "0.1");
  EXPECT_EQ(rows("SELECT stage FROM group_stats"), (Rows{"pretrain", "classify"}));
  EXPECT_EQ(row("SELECT sweep, trials, done, running, planned, failed, waiting FROM sweeps"),
            "s|2|2|0|0|0|0");
}

}  // namespace
}  // namespace mvn
