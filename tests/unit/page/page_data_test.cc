// What the page shows is what the views say.
#include "orchestrate/page/page_data.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <fstream>

#include "orchestrate/page/confusion.h"
#include "orchestrate/page/failures.h"
#include "orchestrate/page/live.h"
#include "orchestrate/page/report_file.h"
#include "orchestrate/store/query.h"
#include "store/fixture.h"

namespace mvn {
namespace {

class PageDataTest : public StoreTest {
 protected:
  PageDataTest() : store_(database()) {}

  // Two configurations over three seeds each, a curve of four steps, costs; b2 fails.
  void run_sweep() {
    std::vector<PlannedTrial> trials;
    for (int seed = 0; seed < 3; ++seed) {
      const auto digit = std::to_string(seed);
      trials.push_back(planned("a" + digit, {{"optimizer.lr", 0.1}}, seed));
      trials.push_back(planned("b" + digit, {{"optimizer.lr", 0.01}}, seed));
    }
    store_.record_plan(plan_of("s", trials));
    for (const char letter : {'a', 'b'}) {
      for (int seed = 0; seed < 3; ++seed) run_one(letter, seed);
    }
  }

  void run_one(char letter, int seed) {
    const bool fails = letter == 'b' && seed == 2;
    std::vector<std::string> lines;
    for (int step = 1; step <= 4; ++step) {
      const double value = (letter == 'a' ? 0.6 : 0.5) + 0.05 * step + 0.013 * seed * seed;
      lines.push_back(metric_line(step, "eval/accuracy", std::to_string(value)));
    }
    lines.emplace_back(R"({"type":"cost","values":{"tokens":)" + std::to_string(100 + seed) + "}}");
    run_trial(store_, "s", id_of(letter + std::to_string(seed)), lines,
              fails ? AttemptEnd{TrialState::kFailed, 3, {}, "exit code 3 at step 12", "boom\n"}
                    : AttemptEnd{});
  }

  // The rows of a query, as JSON.
  [[nodiscard]] Json json_rows(const std::string& sql) const {
    std::ostringstream out;
    run_query(database(), sql, {RowFormat::kJson, {}}, out);
    return parse_json(out.str(), "rows");
  }

  Store store_;
};

TEST_F(PageDataTest, GroupsAreThoseOfTheView) {
  run_sweep();
  PageData data(database(), {"s"});
  const auto& groups = data.sections()["groups"];
  const auto expected = json_rows(
      "SELECT stage, group_id AS id, rank, params, n, mean, sd, low, high, min, max, missing,"
      " stopped FROM group_stats");
  ASSERT_EQ(groups.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto& [name, value] : expected[i].items()) EXPECT_EQ(groups[i][name], value) << name;
  }
  EXPECT_EQ(groups[0]["parameters"], (Json{{"optimizer.lr", 0.1}}));
  EXPECT_EQ(groups[0]["costs"], (Json{{"tokens", 101.0}}));
  EXPECT_EQ(groups[1]["costs"], (Json{{"tokens", 100.5}}));  // of those that are done
}

TEST_F(PageDataTest, CurvesAreThoseOfTheView) {
  run_sweep();
  PageData data(database(), {"s"});
  const auto curves = data.curves("eval/accuracy");
  EXPECT_EQ(curves["left_out"], Json::object());
  ASSERT_EQ(curves["curves"].size(), 2U);
  for (const auto& curve : curves["curves"]) {
    const auto expected = json_rows(
        "SELECT step, mean, n, sd, min, max FROM curves WHERE name = 'eval/accuracy'"
        " AND group_id = '" +
        curve["group"].get<std::string>() + "' ORDER BY step");
    ASSERT_EQ(curve["step"].size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(curve["step"][i], expected[i]["step"]);
      EXPECT_EQ(curve["n"], expected[i]["n"]);
      EXPECT_NEAR(curve["mean"][i], expected[i]["mean"].get<double>(), 1e-7);
      EXPECT_NEAR(curve["sd"][i], expected[i]["sd"].get<double>(), 1e-8);
      EXPECT_NEAR(curve["low"][i], expected[i]["min"].get<double>(), 1e-7);
      EXPECT_NEAR(curve["high"][i], expected[i]["max"].get<double>(), 1e-7);
    }
  }
}

TEST_F(PageDataTest, LongCurvesSayThatTheyAreThinned) {
  store_.record_plan(plan_of("s", {planned("a0", {{"optimizer.lr", 1}}, 0)}));
  std::vector<std::string> lines;
  for (int step = 0; step < 1000; ++step) {
    lines.push_back(metric_line(step, "eval/accuracy", std::to_string(step % 7)));
  }
  run_trial(store_, "s", id_of("a0"), lines);
  PageData data(database(), {"s"});
  const Json curve = data.curves("eval/accuracy")["curves"][0];
  EXPECT_EQ(curve["from"], 1000);
  EXPECT_EQ(curve["step"].size(), kMostPoints);
}

TEST_F(PageDataTest, NumbersThatJsonCannotHoldBreakNothing) {
  store_.record_plan(plan_of(
      "s", {planned("a0", {{"optimizer.lr", 1}}, 0), planned("b0", {{"optimizer.lr", 2}}, 0)}));
  run_trial(store_, "s", id_of("a0"),
            {metric_line(1, "eval/accuracy", "0.5"), metric_line(2, "eval/accuracy", "\"NaN\"")});
  run_trial(store_, "s", id_of("b0"), {metric_line(1, "eval/accuracy", "\"Infinity\"")});
  PageData data(database(), {"s"});
  EXPECT_EQ(data.sections()["trial:b00000000000"]["objective"], "Infinity");
  const auto curves = data.curves("eval/accuracy")["curves"];
  ASSERT_EQ(curves.size(), 2U);
  const auto report = report_html(database(), {"s"});
  const auto start = report.find('>', report.find("id=\"results\"")) + 1;
  const auto json = parse_json(
      std::string_view(report).substr(start, report.find("</script>", start) - start), "report");
  for (const auto& curve : json["curves"]["eval/accuracy"]["curves"]) {
    EXPECT_TRUE(curve["mean"].back().is_null());
  }
}

TEST_F(PageDataTest, AReportIsTheSameTextFromTheSameResults) {
  run_sweep();
  EXPECT_EQ(report_html(database(), {"s"}), report_html(database(), {"s"}));
}

TEST_F(PageDataTest, NamesOfUsersAreNoHtmlInAReport) {
  const std::string evil = "</script><script>alert(1)</script><b>\xE2\x80\xA8";
  auto plan = plan_of(
      "s", {planned("a0", {{"task.train", evil}}, 0), planned("b0", {{"task.train", "fine"}}, 0)});
  plan.text = "name: s  # " + evil;
  store_.record_plan(plan);
  run_trial(store_, "s", id_of("a0"), {metric_line(1, "eval/" + evil, "1")},
            {TrialState::kFailed, 1, {}, evil, evil});
  const auto report = report_html(database(), {"s"});
  EXPECT_EQ(report.find("<script>alert"), std::string::npos);
  EXPECT_EQ(report.find("<b>\xE2"), std::string::npos);
  EXPECT_NE(report.find("\\u003c/script\\u003e\\u003cscript\\u003ealert(1)"), std::string::npos);
}

TEST_F(PageDataTest, FailuresAreCountedByCause) {
  run_sweep();
  PageData data(database(), {"s"});
  const auto& causes = data.sections()["failures"];
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_EQ(causes[0]["message"], "exit code 3 at step 12");
  EXPECT_EQ(causes[0]["count"], 1);
  EXPECT_EQ(causes[0]["trial_count"], 1);
  EXPECT_EQ(causes[0]["trials"][0]["id"], "b20000000000");
  EXPECT_EQ(causes[0]["log"], "boom\n");
  // Tried again it is another attempt, and no other trial.
  run_one('b', 2);
  const auto& again = data.sections()["failures"];
  EXPECT_EQ(again[0]["count"], 2);
  EXPECT_EQ(again[0]["trial_count"], 1);
  EXPECT_EQ(again[0]["trials"].size(), 1U);
}

TEST(Failures, MessagesThatDifferInNumbersAndPathsAreOneCause) {
  EXPECT_EQ(cause_of("exit code 3 at step 12"), cause_of("exit code 4 at step 7"));
  EXPECT_EQ(cause_of("/a/b.tsv: no such file"), cause_of("/c.tsv: no such file"));
  EXPECT_NE(cause_of("out of memory"), cause_of("no such file"));
}

TEST_F(PageDataTest, ATrialHasItsConfigurationItsHistoryAndTheEndOfItsLog) {
  run_sweep();
  std::ofstream(trial_paths(results_, "s", id_of("b2")).log(1)) << "first\ntoken=hf_12345\nlast\n";
  PageData data(database(), {"s"});
  const auto trial = data.trial("b20000000000");
  EXPECT_EQ(trial["config"], (Json{{"optimizer.lr", 0.01}, {"seed", 2}}));
  EXPECT_EQ(trial["attempts"][0]["message"], "exit code 3 at step 12");
  EXPECT_EQ(trial["curve"]["step"], (Json{1, 2, 3, 4}));
  EXPECT_EQ(trial["log"], "first\ntoken=***\nlast");
  EXPECT_EQ(error_of([&] { (void)data.trial("nonsense"); }), "no trial of s is called nonsense");
}

TEST_F(PageDataTest, AFileSaysOnceWhatTrialsShare) {
  run_sweep();
  PageData data(database(), {"s"});
  const auto all = data.all_trials();
  EXPECT_EQ(all["trials"].size(), 6U);
  EXPECT_EQ(all["common"]["config"], Json::object());
  EXPECT_EQ(all["trials"]["a10000000000"]["config"], (Json{{"optimizer.lr", 0.1}, {"seed", 1}}));
}

TEST_F(PageDataTest, TheVerdictIsThatOfTheReport) {
  run_sweep();
  PageData data(database(), {"s"});
  const auto& verdict = data.sections()["verdict"];
  EXPECT_EQ(verdict["question"], "Which configuration is best?");
  EXPECT_EQ(verdict["parts"][0]["heading"], "eval/accuracy (higher is better)");
  const auto sentence = verdict["parts"][0]["sentences"][0].get<std::string>();
  EXPECT_TRUE(sentence.starts_with("lr=0.1 is better than lr=0.01: ") ||
              sentence.starts_with("Cannot tell lr=0.1 from lr=0.01: "))
      << sentence;
  PageData by(database(), {"s", "optimizer.lr"});
  EXPECT_EQ(by.sections()["verdict"]["question"], "Which optimizer.lr is better?");
  EXPECT_EQ(by.sections()["comparisons"][0]["pairs"][0]["a"], "0.1");
}

TEST_F(PageDataTest, ModelsAreComparedWhereTheyVary) {
  store_.record_plan(plan_of("s", {planned("a0", {{"model.plugin", "mamba"}}, 0),
                                   planned("b0", {{"model.plugin", "gptneo"}}, 0)}));
  PageData data(database(), {"s"});
  EXPECT_EQ(data.sections()["verdict"]["question"], "Which model.plugin is better?");
  EXPECT_EQ(data.sections()["comparisons"], Json::array());  // no results yet
  run_trial(store_, "s", id_of("a0"), {metric_line(1, "eval/accuracy", "0.5")});
  run_trial(store_, "s", id_of("b0"), {metric_line(1, "eval/accuracy", "0.6")});
  EXPECT_EQ(data.sections()["comparisons"].size(), 1U);
}

TEST_F(PageDataTest, ImportanceIsThatOfTheDatabaseWhereItHasIt) {
  run_sweep();
  SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
  db.exec("DROP VIEW IF EXISTS importance");
  EXPECT_EQ(PageData(database(), {"s"}).sections()["importance"], Json::array());
  db.exec(
      "CREATE VIEW importance AS SELECT 's' AS sweep, '' AS stage, column1 AS name,"
      " column2 AS importance FROM (VALUES ('a', 0.2), ('b', 0.8))");
  EXPECT_EQ(PageData(database(), {"s"}).sections()["importance"],
            parse_json(R"([{"stage":"","name":"b","importance":0.8},
                           {"stage":"","name":"a","importance":0.2}])",
                       "expected"));
}

TEST_F(PageDataTest, AnUnknownSweepIsNamed) {
  run_sweep();
  EXPECT_EQ(error_of([&] { (void)PageData(database(), {"t"}); }),
            database().string() + ": no sweep is called 't'; did you mean 's'? (known: s)");
  EXPECT_EQ(list_sweeps(database())[0]["sweep"], "s");
}

TEST_F(PageDataTest, OnlyWhatChangedIsSentAgain) {
  run_sweep();
  DatabaseWatch watch(database());
  LiveSweep live(database(), {"s"});
  const auto first = live.changes(watch.look(), 0);
  EXPECT_TRUE(first["sections"].contains("groups"));
  const auto now = first["now"].get<std::int64_t>();
  EXPECT_EQ(live.changes(watch.look(), now)["sections"], Json::object());

  const auto before = watch.look();
  const int attempt = store_.start_attempt("s", id_of("b2"), "worker 1", "cpu");
  EXPECT_NE(watch.look(), before);
  // A large sweep is not read all the time: another look may be needed.
  Json changed;
  do changed = live.changes(watch.look(), now);
  while (changed["sections"].empty());
  EXPECT_TRUE(changed["sections"].contains("trial:b20000000000"));
  EXPECT_FALSE(changed["sections"].contains("trial:a00000000000"));
  EXPECT_EQ(changed["sections"]["counts"]["running"], 1);
  store_.end_attempt("s", id_of("b2"), attempt, {});
}

TEST(ConfusionMatrix, CountsPredictionsByLabel) {
  const test::TemporaryFolder folder;
  const auto line = [](int label, int predicted) {
    return Json{{"example", 0}, {"label", label}, {"predicted", predicted}}.dump() + "\n";
  };
  folder.write("p.jsonl", line(0, 0) + line(0, 1) + line(2, 2) + line(0, 1));
  EXPECT_EQ(read_confusion(folder / "p.jsonl"), (Confusion{{1, 2, 0}, {0, 0, 0}, {0, 0, 1}}));
  EXPECT_EQ(read_confusion(folder / "absent"), std::nullopt);
  folder.write("bad.jsonl", line(0, 0) + "{\n");
  EXPECT_EQ(read_confusion(folder / "bad.jsonl"), std::nullopt);
  folder.write("many.jsonl", line(0, static_cast<int>(kMostClasses)));
  EXPECT_EQ(read_confusion(folder / "many.jsonl"), std::nullopt);
}

TEST(ConfusionMatrix, NamesAreThoseWhoseCountsFit) {
  const Confusion matrix = {{1, 2}, {0, 5}};
  using Names = std::vector<std::string>;
  EXPECT_EQ(class_names(matrix, {{"neg", 3}, {"pos", 5}}), (Names{"neg", "pos"}));
  EXPECT_EQ(class_names(matrix, {{"neg", 5}, {"pos", 3}}), std::nullopt);
  EXPECT_EQ(class_names(matrix, {}), std::nullopt);
  // As numbers, not as texts: 9 before 10. A class that no example has counts 0.
  EXPECT_EQ(class_names(matrix, {{"10", 5}, {"9", 3}}), (Names{"9", "10"}));
  EXPECT_EQ(class_names(matrix, {{"a", 3}, {"b", 5}, {"c", 0}}), (Names{"a", "b", "c"}));
}

}  // namespace
}  // namespace mvn
