#include "orchestrate/page/terminal.h"

#include <limits>
#include <sstream>

#include "common/text.h"
#include "orchestrate/page/terminal_plot.h"
#include "orchestrate/store/query.h"
#include "store/fixture.h"

namespace mvn {
namespace {

TEST(TerminalPlot, ALineGoesFromCornerToCorner) {
  const PlotCurve curve = {{{0, 0}, {10, 1}}};
  const auto rows = plot(curve, {{0, 10}, {0, 1}, 23, 2});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_TRUE(rows[0].starts_with("1 ┤"));
  EXPECT_TRUE(rows[1].starts_with("0 ┤"));
  EXPECT_TRUE(rows[0].ends_with("⠉")) << rows[0];
  EXPECT_EQ(rows[2], "   step 0            10");
  for (const auto& row : rows) EXPECT_LE(columns(row), 23U) << row;
}

TEST(TerminalPlot, ANaNBreaksTheLineAndNothingElse) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const PlotCurve curve = {{{0, 0}, {5, kNone}, {10, 0}}};
  const auto rows = plot(curve, {range_of_x({curve}), range_of_y({curve}), 30, 3});
  EXPECT_EQ(range_of_y({curve}).high, 0);
  EXPECT_NE(rows[1].find(' ', rows[1].find("┤") + 3), std::string::npos);
  const PlotCurve nothing = {{{0, kNone}}};
  EXPECT_EQ(plot(nothing, {range_of_x({nothing}), range_of_y({nothing}), 30, 3}).size(), 4U);
}

class TerminalTest : public StoreTest {
 protected:
  TerminalTest() : store_(database()) {
    std::vector<PlannedTrial> trials;
    for (int seed = 0; seed < 3; ++seed) {
      trials.push_back(planned("a" + std::to_string(seed), {{"optimizer.lr", 0.1}}, seed));
      trials.push_back(planned("b" + std::to_string(seed), {{"optimizer.lr", 0.01}}, seed));
    }
    store_.record_plan(plan_of("s", trials));
    for (int seed = 0; seed < 3; ++seed) {
      finish("a" + std::to_string(seed), 0.8 + 0.01 * seed, 0.3);
      finish("b" + std::to_string(seed), 0.7 + 0.01 * seed, 0.2);
    }
  }

  void finish(const std::string& id, double accuracy, double loss) {
    run_trial(store_, "s", id_of(id),
              {metric_line(1, "eval/accuracy", "0.5"),
               metric_line(2, "eval/accuracy", std::to_string(accuracy)),
               metric_line(2, "eval/loss", std::to_string(loss))});
  }

  template <typename Show, typename... Arguments>
  std::string shown(Show show, TerminalOptions options, const Arguments&... arguments) {
    std::ostringstream out;
    options.database = database();
    show(options, arguments..., out);
    return out.str();
  }

  Store store_;
};

TEST_F(TerminalTest, TopShowsTheBestWithIntervals) {
  EXPECT_EQ(shown(show_top, {.most = 1}),
            "s: eval/accuracy (higher is better)\n"
            "\n"
            "   params  n       mean   95 % interval   best trial\n"
            "-  ------  ------  -----  --------------  ------------\n"
            "1  lr=0.1  3 of 3  0.810  0.785 .. 0.835  a20000000000\n"
            "and 1 more (-n)\n");
}

// By any metric the numbers are those of the views.
TEST_F(TerminalTest, TopHasTheNumbersOfTheViews) {
  for (const auto* metric : {"eval/accuracy", "eval/loss"}) {
    const auto json = parse_json(shown(show_top, {.metric = metric, .json = true}), "top");
    std::ostringstream out;
    run_query(database(),
              "SELECT params, n, mean, sd, low, high FROM group_metrics WHERE name = '" +
                  std::string(metric) + "' ORDER BY mean " +
                  (metric == std::string("eval/loss") ? "" : "DESC"),
              {RowFormat::kJson, {}}, out);
    const auto expected = parse_json(out.str(), "view");
    const auto& found = json["stages"][0]["configurations"];
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i]["params"], expected[i]["params"]);
      EXPECT_EQ(found[i]["n"], expected[i]["n"]);
      for (const auto* name : {"mean", "sd", "low", "high"}) {
        EXPECT_NEAR(found[i][name], expected[i][name].get<double>(), 1e-12) << name;
      }
    }
  }
}

TEST_F(TerminalTest, AMetricThatNobodyReportedIsRefused) {
  EXPECT_EQ(error_of([&] { (void)shown(show_top, {.metric = "eval/acuracy"}); }),
            "no trial of the sweep reported a metric 'eval/acuracy'; did you mean"
            " 'eval/accuracy'? (known: eval/accuracy, eval/loss)");
  EXPECT_EQ(error_of([&] { (void)shown(show_trial_curve, {.metric = "x"}, id_of("a0")); }),
            "trial a00000000000 reported no metric 'x'; it has eval/accuracy, eval/loss");
}

TEST_F(TerminalTest, ShowSaysWhatSetsATrialApart) {
  const auto text = shown(show_trial, {}, id_of("a1"));
  EXPECT_TRUE(text.starts_with("Trial a10000000000 of sweep s: done\n")) << text;
  EXPECT_NE(text.find("  optimizer.lr  0.1   (others: 0.01)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  seed          1   (others: 0, 2)\n"), std::string::npos) << text;
  const auto json = parse_json(shown(show_trial, {.json = true}, id_of("a1")), "show");
  EXPECT_EQ(json["differences"]["optimizer.lr"]["others"], Json{0.01});
  EXPECT_EQ(json["curve"].size(), 2U);
  EXPECT_EQ(json["objective"], 0.81);
}

TEST_F(TerminalTest, CurvesHaveTheValuesOfTheView) {
  const auto json = parse_json(shown(show_sweep_curves, {.json = true}), "curve");
  const auto& best = json["stages"][0]["configurations"][0];
  EXPECT_EQ(best["params"], "lr=0.1");
  EXPECT_EQ(best["curve"][1]["n"], 3);
  EXPECT_NEAR(best["curve"][1]["mean"], 0.81, 1e-12);
  EXPECT_EQ(best["curve"][1]["max"], 0.82);
}

TEST_F(TerminalTest, NoPlotIsWiderThanTheTerminal) {
  for (const std::size_t width : {40U, 60U, 100U}) {
    std::istringstream lines(shown(show_sweep_curves, {.width = width}) +
                             shown(show_trial_curve, {.width = width}, id_of("a0")));
    int plotted = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("┤") == std::string::npos) continue;
      EXPECT_LE(columns(line), width) << line;
      ++plotted;
    }
    EXPECT_EQ(plotted, 6);  // two rows of three plots
  }
}

TEST_F(TerminalTest, WithoutANameTheSweepThatRanLastIsMeant) {
  store_.record_plan(plan_of("newer", {planned("c0", {{"optimizer.lr", 1}}, 0)}));
  EXPECT_TRUE(has_sweep(database(), "newer"));
  EXPECT_FALSE(has_sweep(database(), "other"));
  run_trial(store_, "newer", id_of("c0"), {metric_line(1, "eval/accuracy", "0.5")});
  EXPECT_TRUE(shown(show_top, {}).starts_with("newer: "));
  EXPECT_TRUE(shown(show_top, {.sweep = "s"}).starts_with("s: "));
}

}  // namespace
}  // namespace mvn
