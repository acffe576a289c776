#include "orchestrate/answers/report.h"

#include <sstream>

#include "store/fixture.h"

namespace mvn {
namespace {

class ReportTest : public StoreTest {
 protected:
  ReportTest() : store_(database()) {}

  void finish(const std::string& id, const std::string& value) {
    run_trial(store_, "s", id_of(id), {metric_line(1, "eval/accuracy", value)});
  }
  [[nodiscard]] std::string report() const {
    std::ostringstream out;
    print_report(database(), "s", out);
    return out.str();
  }

  Store store_;
};

// Trials of two models over `seeds` seeds: m0, m1, ... and g0, g1, ...
std::vector<PlannedTrial> two_models(int seeds) {
  std::vector<PlannedTrial> trials;
  for (int seed = 0; seed < seeds; ++seed) {
    const std::string digit = std::to_string(seed);
    trials.push_back(planned("a" + digit, {{"model.plugin", "mamba"}}, seed));
    trials.push_back(planned("b" + digit, {{"model.plugin", "gptneo"}}, seed));
  }
  return trials;
}

TEST_F(ReportTest, SaysWhichIsBetterAndByHowMuch) {
  store_.record_plan(plan_of("s", two_models(3)));
  for (const auto& [id, value] : {std::pair{"a0", "0.80"},
                                  {"a1", "0.81"},
                                  {"a2", "0.82"},
                                  {"b0", "0.60"},
                                  {"b1", "0.61"},
                                  {"b2", "0.62"}}) {
    finish(id, value);
  }
  EXPECT_EQ(report(),
            "\n"
            "eval/accuracy (higher is better)\n"
            "   params        n  mean   sd       95 % interval\n"
            "-  ------------  -  -----  -------  --------------\n"
            "*  model=mamba   3  0.810  ± 0.010  0.785 .. 0.835\n"
            "   model=gptneo  3  0.610  ± 0.010  0.585 .. 0.635\n"
            "model=mamba is better than model=gptneo: eval/accuracy 0.810 against 0.610, a"
            " difference of 0.200 (95 % interval 0.177 .. 0.223, 3 seeds each).\n");
}

TEST_F(ReportTest, ClaimsNothingThatSeedsCannotTell) {
  store_.record_plan(plan_of("s", two_models(2)));
  for (const auto& [id, value] :
       {std::pair{"a0", "0.80"}, {"a1", "0.82"}, {"b0", "0.79"}, {"b1", "0.81"}}) {
    finish(id, value);
  }
  EXPECT_NE(report().find("\nCannot tell model=mamba from model=gptneo: eval/accuracy 0.810 against"
                          " 0.800, a difference of 0.010 (95 % interval -0.051 .. 0.071, 2 seeds"
                          " each). About 31 more seeds each would tell a difference of this size"
                          " with 80 % power.\n"),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, MeansThatDifferLookDifferent) {
  store_.record_plan(plan_of("s", two_models(1)));
  finish("a0", "0.54132");
  finish("b0", "0.54128");
  EXPECT_NE(report().find(": eval/accuracy 0.54132 against 0.54128. "), std::string::npos)
      << report();
}

TEST_F(ReportTest, OneSeedIsNoEvidence) {
  store_.record_plan(plan_of("s", two_models(1)));
  finish("a0", "0.5");
  EXPECT_NE(report().find("\nOnly one configuration has a result: nothing to compare.\n"),
            std::string::npos)
      << report();
  finish("b0", "0.75");
  EXPECT_NE(report().find("\nCannot tell model=gptneo from model=mamba: eval/accuracy 0.750 against"
                          " 0.500. With one seed this may be chance: there is no interval to judge"
                          " it by.\n"),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, ComparesTheBestOfEachModelWhereOthersVaryToo) {
  store_.record_plan(
      plan_of("s", {planned("a0", {{"model.plugin", "mamba"}, {"optimizer.lr", 1}}, 0),
                    planned("a1", {{"model.plugin", "mamba"}, {"optimizer.lr", 2}}, 0),
                    planned("b0", {{"model.plugin", "gptneo"}, {"optimizer.lr", 1}}, 0)}));
  finish("a0", "0.5");
  finish("a1", "0.75");
  finish("b0", "0.25");
  EXPECT_NE(report().find("\nBest of each model: cannot tell mamba (model=mamba lr=2) from gptneo"
                          " (model=gptneo lr=1): eval/accuracy 0.750 against 0.250. "),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, LowerIsBetterWhereTheGoalSaysSo) {
  SweepPlan plan = plan_of("s", two_models(1));
  plan.metrics[""].maximize = false;
  store_.record_plan(plan);
  finish("a0", "0.5");
  finish("b0", "0.75");
  EXPECT_NE(report().find("\nCannot tell model=mamba from model=gptneo: eval/accuracy 0.500"
                          " against 0.750. "),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, ListsWhatIsNotDoneWithItsLog) {
  SweepPlan plan = plan_of("s", {planned("a0", Json::object(), 0, "classify")});
  store_.record_plan(plan);
  run_trial(store_, "s", id_of("a0"), {},
            {TrialState::kFailed, std::nullopt, 9, "the worker was killed by SIGKILL", ""});
  EXPECT_EQ(report(),
            "\n"
            "classify: eval/accuracy (higher is better)\n"
            "No trial that is done has a value of it.\n"
            "\n"
            "Not done:\n"
            "  a00000000000 classify failed: the worker was killed by SIGKILL\n"
            "    log: " +
                (results_ / "s/a00000000000/attempts/1/log.txt").string() + "\n");
}

TEST_F(ReportTest, CountsTheTrialsThatGaveNoValue) {
  store_.record_plan(plan_of("s", two_models(1)));
  finish("a0", "0.5");
  EXPECT_NE(report().find("   params        n  mean   sd  95 % interval  missing\n"
                          "-  ------------  -  -----  --  -------------  -------\n"
                          "*  model=mamba   1  0.500  -   -                    0\n"
                          "   model=gptneo  0  -      -   -                    1\n"),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, ShowsTheBestOfManyAndSaysWhereTheRestIs) {
  std::vector<PlannedTrial> trials;
  for (int i = 0; i < 103; ++i) {
    trials.push_back(planned("a" + std::to_string(1000 + i), {{"optimizer.lr", i}}, 0));
  }
  store_.record_plan(plan_of("s", trials));
  for (int i = 0; i < 103; ++i) {
    const auto id = "a" + std::to_string(1000 + i);
    if (i < 52) {
      run_trial(store_, "s", id_of(id), {}, {TrialState::kFailed, 1, {}, "exit code 1", ""});
    } else {
      finish(id, std::to_string(i));
    }
  }
  EXPECT_NE(report().find("\nand 3 more: mvn-runner query \"SELECT * FROM group_stats WHERE sweep"
                          " = 's'\"\nCannot tell lr=102 from lr=101: eval/accuracy 102.0 against"
                          " 101.0. "),
            std::string::npos)
      << report();
  EXPECT_TRUE(report().ends_with(
      "\n  and 2 more: mvn-runner query \"SELECT * FROM failures WHERE sweep = 's'\"\n"))
      << report();
}

TEST_F(ReportTest, FindsTheOtherModelBehindTheShownOnes) {
  std::vector<PlannedTrial> trials = {planned("b0", {{"model.plugin", "gptneo"}}, 0)};
  for (int i = 0; i < 101; ++i) {
    trials.push_back(planned("a" + std::to_string(1000 + i),
                             {{"model.plugin", "mamba"}, {"optimizer.lr", i}}, 0));
  }
  store_.record_plan(plan_of("s", trials));
  finish("b0", "0.5");
  for (int i = 0; i < 101; ++i) finish("a" + std::to_string(1000 + i), std::to_string(i + 1));
  EXPECT_NE(report().find("\nand 2 more: "), std::string::npos) << report();
  EXPECT_NE(report().find("\nBest of each model: cannot tell mamba (model=mamba lr=100) from"
                          " gptneo (model=gptneo lr=-): eval/accuracy 101.00 against 0.50. "),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, SaysWhichResultsAreNoNumbers) {
  store_.record_plan(plan_of("s", two_models(2)));
  finish("a0", "NaN");
  finish("a1", "0.5");
  finish("b0", "Infinity");
  EXPECT_NE(report().find("\nThe last eval/accuracy of 2 of 3 trials that are done is no number and"
                          " in no mean: NaN of model=mamba seed=0, Infinity of model=gptneo"
                          " seed=0.\n"),
            std::string::npos)
      << report();
}

TEST_F(ReportTest, SaysWhichClassifiersAreBelowTheMostFrequentClass) {
  store_.record_plan(plan_of("s", two_models(1)));
  for (const auto& [id, value] : {std::pair{"a0", "0.5"}, {"b0", "0.8125"}}) {
    run_trial(store_, "s", id_of(id),
              {metric_line(1, "eval/majority", "0.8125"), metric_line(1, "eval/accuracy", value)});
  }
  EXPECT_NE(report().find("\nThe eval/accuracy of 1 of 2 trials that are done is below"
                          " eval/majority, what the most frequent class alone would give: the"
                          " lowest is 0.500 against 0.812, of model=mamba.\n"),
            std::string::npos)
      << report();
}

}  // namespace
}  // namespace mvn
