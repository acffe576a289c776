#include <gtest/gtest.h>

#include <fstream>

#include "fixture.h"

namespace mvn {
namespace {

class IngestTest : public StoreTest {
 protected:
  IngestTest() : store_(database()) {
    store_.record_plan(plan_of("s", {planned("a1", {{"optimizer.lr", 0.1}}, 0)}));
    store_.start_attempt("s", id_, "worker 1", "cpu");
  }

  std::vector<Record> ingest(const std::string& text, int attempt = 1) {
    write_spool("s", id_, attempt, text);
    return store_.ingest("s", id_, attempt, spool("s", id_, attempt));
  }

  const std::string id_ = id_of("a1");
  Store store_;
};

TEST_F(IngestTest, EachRecordCountsOnce) {
  const std::string half = metric_line(2, "loss", "0.5") + "\n";
  EXPECT_EQ(ingest(metric_line(1, "loss", "1.5") + "\n" + half.substr(0, 20)).size(), 1U);
  EXPECT_EQ(ingest("").size(), 0U);
  EXPECT_EQ(ingest(half.substr(20)).size(), 1U);
  EXPECT_EQ(ingest("").size(), 0U);
  EXPECT_EQ(rows("SELECT name, step, value, attempt FROM metrics"),
            (Rows{"loss|1|1.5|1", "loss|2|0.5|1"}));
}

TEST_F(IngestTest, KeptPredictionsAreTakenInWithTheirArtifact) {
  const auto paths = trial_paths(results_, "s", id_);
  const auto keep = [&](const std::filesystem::path& file, const std::string& lines) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << lines;
  };
  const auto artifact = [](const std::string& kind) {
    return R"({"type":"artifact","kind":")" + kind + R"(","path":"elsewhere"})" + "\n";
  };
  keep(paths.test_predictions(), R"({"example":0,"label":1,"predicted":1,"confidence":0.75})"
                                 "\n"
                                 R"({"example":1,"label":0,"predicted":1})"
                                 "\n");
  ingest(artifact("test-predictions") + artifact("predictions"));
  EXPECT_EQ(rows("SELECT split, example, label, predicted, correct, confidence, params, seed"
                 " FROM predictions"),
            (Rows{"test|0|1|1|1|0.75|-|0", "test|1|0|1|0|NULL|-|0"}));
  EXPECT_EQ(rows("SELECT * FROM events"), Rows());
  // What is damaged is said, and changes nothing.
  keep(paths.test_predictions(), R"({"example":0,"label":1,"predicted":0})"
                                 "\n{\"example\":1,\n");
  ingest(artifact("test-predictions"));
  EXPECT_EQ(
      rows("SELECT level, message FROM events"),
      (Rows{"damaged|test-predictions.jsonl:2: no prediction, as {\"example\": 0, \"label\": 1,"
            " \"predicted\": 1}: {\"example\":1,"}));
  EXPECT_EQ(row("SELECT count(*) FROM predictions"), "2");
  // A link may lead anywhere.
  keep(results_ / "secret", R"({"example":0,"label":7,"predicted":7})"
                            "\n");
  std::filesystem::create_symlink(results_ / "secret", paths.predictions());
  ingest(artifact("predictions"));
  EXPECT_EQ(row("SELECT count(*) FROM predictions"), "2");
}

TEST_F(IngestTest, ReturnsTheRecordsForTheProgressDisplay) {
  const auto records = ingest(R"({"type":"progress","time":1,"step":10,"steps":200})"
                              "\n");
  ASSERT_EQ(records.size(), 1U);
  ASSERT_NE(records[0].as<ProgressRecord>(), nullptr);
  EXPECT_EQ(records[0].as<ProgressRecord>()->step, 10);
  EXPECT_EQ(row("SELECT step, steps FROM trials"), "10|200");
}

TEST_F(IngestTest, NaNAndInfinitiesSurvive) {
  ingest(metric_line(1, "loss", "\"NaN\"") + "\n" + metric_line(2, "loss", "\"Infinity\"") + "\n" +
         metric_line(3, "loss", "\"-Infinity\"") + "\n" + metric_line(4, "loss", "2") + "\n" +
         metric_line(5, "loss", "4") + "\n");
  EXPECT_EQ(rows("SELECT step, value, special FROM metrics ORDER BY step"),
            (Rows{"1|NULL|NaN", "2|Inf|Infinity", "3|-Inf|-Infinity", "4|2.0|NULL", "5|4.0|NULL"}));
  EXPECT_EQ(row("SELECT avg(value) FROM metrics WHERE step <> 2 AND step <> 3"), "3.0");
}

TEST_F(IngestTest, NumbersThatNothingHoldsAreSaidWithTheirKey) {
  ingest(
      "{\"type\":\"metric\",\"step\":18446744073709551615,\"values\":{\"loss\":1}}\n"
      "{\"type\":\"end\",\"code\":4294967296}\n"
      "{\"type\":\"param\",\"values\":{\"n\":18446744073709551615}}\n");
  EXPECT_EQ(rows("SELECT message FROM events ORDER BY message"),
            (Rows{"end record: 'code' is no exit code: 4294967296",
                  "metric record: 'step' is not a whole number: 18446744073709551615"}));
  EXPECT_EQ(row("SELECT count(*) FROM metrics"), "0");
  EXPECT_EQ(row("SELECT reported_code FROM mvn_attempt"), "NULL");
  EXPECT_EQ(row("SELECT value FROM params WHERE name = 'n'"), "1.84467440737096e+19");
}

TEST_F(IngestTest, SecretsAreNotStored) {
  ingest(
      "{\"type\":\"environment\",\"values\":{\"HF_TOKEN\":\"abc\",\"host\":\"h\"}}\n"
      "{\"type\":\"param\",\"values\":{\"api_key\":\"abc\"}}\n");
  EXPECT_EQ(rows("SELECT name, value FROM mvn_environment ORDER BY name"),
            (Rows{"HF_TOKEN|***", "host|h"}));
  EXPECT_EQ(row("SELECT value FROM params WHERE name = 'api_key'"), "***");
}

TEST_F(IngestTest, BareNaNOfPythonsJsonIsUnderstood) {
  ingest(R"({"type": "metric", "step": 1.0, "values": {"loss": NaN, "a NaN": -Infinity, "b": 1}})"
         "\n");
  EXPECT_EQ(rows("SELECT name, step, value, special FROM metrics ORDER BY name"),
            (Rows{"a NaN|1|-Inf|-Infinity", "b|1|1.0|NULL", "loss|1|NULL|NaN"}));
  EXPECT_EQ(row("SELECT count(*) FROM events"), "0");
}

TEST_F(IngestTest, DamagedLinesAndUnknownRecordsBecomeEvents) {
  ingest("not json\n[1,2]\n" +
         std::string(R"({"type":"gradient","time":7,"norm":3})"
                     "\n"
                     R"({"type":"metric","time":8,"values":{"loss":1}})"
                     "\n"
                     R"({"type":"metric","time":9,"step":1,"values":{"loss":"low","f1":1}})"
                     "\n"));
  EXPECT_EQ(rows("SELECT level, message FROM events ORDER BY level, message"),
            (Rows{"damaged|a line of the spool is no record: [1,2]",
                  "damaged|a line of the spool is no record: not json",
                  "damaged|metric 'loss': expected a number, \"NaN\", \"Infinity\" or "
                  "\"-Infinity\", got \"low\"",
                  "damaged|metric record: [json.exception.out_of_range.403] key 'step' not found",
                  "unknown|record of unknown type 'gradient'"}));
  EXPECT_EQ(row("SELECT record FROM events WHERE level = 'unknown'"),
            R"({"norm":3,"time":7,"type":"gradient"})");
  EXPECT_EQ(rows("SELECT name, value FROM metrics"), Rows{"f1|1.0"});
}

TEST_F(IngestTest, OtherRecordsLandInTheirTables) {
  ingest(R"({"type":"start","time":1,"pid":42,"host":"alpha","resumed_step":0})"
         "\n"
         R"({"type":"param","time":1,"values":{"optimizer.lr":0.0006,"training.steps":10}})"
         "\n"
         R"({"type":"environment","time":1,"values":{"torch":"2.11.0","cores":2}})"
         "\n"
         R"({"type":"cost","time":1,"values":{"seconds":1.5,"tokens":4096}})"
         "\n"
         R"({"type":"cost","time":1,"values":{"seconds":0.5}})"
         "\n"
         R"({"type":"artifact","time":1,"kind":"model","path":"/m","step":10,"bytes":123})"
         "\n"
         R"({"type":"event","time":1,"level":"warning","message":"slow disk"})"
         "\n"
         R"({"type":"end","time":1,"code":0,"message":""})"
         "\n");
  EXPECT_EQ(row("SELECT host, pid, resumed_step, reported_code FROM mvn_attempt"), "alpha|42|0|0");
  EXPECT_EQ(rows("SELECT name, value, origin FROM params ORDER BY name"),
            (Rows{"optimizer.lr|0.0006|trial", "seed|0|config", "training.steps|10|trial"}));
  EXPECT_EQ(rows("SELECT name, value FROM environments ORDER BY name"),
            (Rows{"cores|2", "torch|2.11.0"}));
  EXPECT_EQ(rows("SELECT name, value FROM costs ORDER BY name"),
            (Rows{"seconds|2.0", "tokens|4096.0"}));
  EXPECT_EQ(rows("SELECT kind, path, step, bytes FROM artifacts"), Rows{"model|/m|10|123"});
  EXPECT_EQ(rows("SELECT level, message FROM events"), Rows{"warning|slow disk"});
}

TEST_F(IngestTest, ForAStepOfSeveralAttemptsTheLatestCounts) {
  ingest(metric_line(1, "loss", "3") + "\n" + metric_line(2, "loss", "2") + "\n");
  store_.end_attempt("s", id_, 1, {TrialState::kInterrupted, 75, std::nullopt, "", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  ingest(metric_line(2, "loss", "1.75") + "\n" + metric_line(3, "loss", "1") + "\n", 2);
  EXPECT_EQ(rows("SELECT step, value, attempt FROM metrics ORDER BY step"),
            (Rows{"1|3.0|1", "2|1.75|2", "3|1.0|2"}));
  EXPECT_EQ(row("SELECT count(*) FROM mvn_metric"), "4");
}

TEST_F(IngestTest, FromAnAttemptsFirstStepOnEarlierOnesDoNotCount) {
  std::string killed;
  for (int step = 1; step <= 25; ++step) killed += metric_line(step, "eval/accuracy", "5") + "\n";
  ingest(killed + metric_line(25, "f1", "4") + "\n");
  store_.end_attempt("s", id_, 1, {TrialState::kFailed, {}, 9, "killed", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  EXPECT_EQ(row("SELECT objective, step FROM trials"), "5.0|25");  // nothing has replaced it yet
  std::string resumed;
  for (int step = 21; step <= 23; ++step) {
    resumed += metric_line(step, "eval/accuracy", "0.5") + "\n";
  }
  ingest(resumed, 2);
  store_.end_attempt("s", id_, 2, {});
  EXPECT_EQ(row("SELECT objective, step, attempts FROM trials"), "0.5|23|2");
  EXPECT_EQ(rows("SELECT count(*), min(step), max(step), attempt FROM metrics GROUP BY attempt"),
            (Rows{"20|1|20|1", "3|21|23|2"}));
  EXPECT_EQ(rows("SELECT name, value, step FROM finals"), Rows{"eval/accuracy|0.5|23"});
  EXPECT_EQ(row("SELECT best, step, last FROM best"), "5.0|1|0.5");
  EXPECT_EQ(row("SELECT max(step), count(*) FROM curves"), "23|23");
  EXPECT_EQ(rows("SELECT mean, name FROM group_metrics"), Rows{"0.5|eval/accuracy"});
  EXPECT_EQ(row("SELECT mean, n FROM group_stats"), "0.5|1");
  EXPECT_EQ(store_.histories("s").at(0).curve.rbegin()->first, 23);
  EXPECT_EQ(row("SELECT count(*) FROM mvn_metric"), "29");  // which keeps them all
}

TEST_F(IngestTest, AnAttemptIsTakenAtItsWordAboutWhereItGoesOn) {
  ingest(metric_line(0, "majority", "0.6") + "\n" + metric_line(20, "eval/accuracy", "0.5") + "\n" +
         metric_line(25, "eval/accuracy", "0.75") + "\n");
  store_.end_attempt("s", id_, 1, {TrialState::kInterrupted, 75, std::nullopt, "", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  // It writes at step 0 once more what it measures before it begins, and logs only every 10 steps.
  ingest(R"({"type":"start","time":1,"resumed_step":20})"
         "\n" +
             metric_line(0, "majority", "0.625") + "\n" + metric_line(30, "train/loss", "1") + "\n",
         2);
  EXPECT_EQ(rows("SELECT name, step, value, attempt FROM metrics ORDER BY step"),
            (Rows{"majority|0|0.625|2", "eval/accuracy|20|0.5|1", "train/loss|30|1.0|2"}));
}

TEST_F(IngestTest, ARetryFromScratchReplacesEverything) {
  ingest(metric_line(0, "eval/accuracy", "0.5") + "\n" + metric_line(9, "eval/accuracy", "0.75") +
         "\n");
  store_.end_attempt("s", id_, 1, {TrialState::kFailed, {}, 9, "killed", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  ingest(R"({"type":"start","time":1,"resumed_step":0})"
         "\n" +
             metric_line(3, "eval/accuracy", "0.25") + "\n",
         2);
  EXPECT_EQ(rows("SELECT step, value FROM metrics"), Rows{"3|0.25"});
  EXPECT_EQ(row("SELECT step FROM trials"), "3");
}

TEST_F(IngestTest, AnAttemptThatReportsNothingReplacesNothing) {
  ingest(metric_line(5, "eval/accuracy", "0.5") + "\n");
  store_.end_attempt("s", id_, 1, {TrialState::kFailed, 1, {}, "exit code 1", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  store_.end_attempt("s", id_, 2, {TrialState::kFailed, 1, {}, "exit code 1", ""});
  EXPECT_EQ(rows("SELECT step, value FROM metrics"), Rows{"5|0.5"});
}

TEST_F(IngestTest, MetricsAloneSayHowFarAnAttemptCame) {
  ingest(metric_line(5, "loss", "1") + "\n" + metric_line(3, "loss", "2") + "\n");
  EXPECT_EQ(row("SELECT step, steps FROM trials"), "5|NULL");
  ingest(R"({"type":"progress","time":1,"step":2,"steps":4})"
         "\n" +
         metric_line(50, "loss", "1") + "\n");
  EXPECT_EQ(row("SELECT step, steps FROM trials"), "2|4");  // which count otherwise
}

TEST_F(IngestTest, CostsAddUpOverRecordsAndAttemptsAndPeaksDoNot) {
  const std::string cost = R"({"type":"cost","time":1,"values":{"seconds":2,"peak_bytes":)";
  ingest(cost + "100}}\n" + cost + "300}}\n");
  store_.end_attempt("s", id_, 1, {TrialState::kInterrupted, 75, std::nullopt, "", ""});
  store_.start_attempt("s", id_, "worker 1", "cpu");
  ingest(cost + "200}}\n", 2);
  EXPECT_EQ(rows("SELECT name, value FROM costs ORDER BY name"),
            (Rows{"peak_bytes|300.0", "seconds|6.0"}));
}

TEST_F(IngestTest, AStepReportedTwiceInOneAttemptKeepsTheLastValue) {
  ingest(metric_line(1, "loss", "3") + "\n" + metric_line(1, "loss", "2") + "\n");
  EXPECT_EQ(rows("SELECT step, value FROM metrics"), Rows{"1|2.0"});
}

TEST_F(IngestTest, TheEndOfAnAttemptIngestsWhatIsLeft) {
  write_spool("s", id_, 1, metric_line(1, "eval/accuracy", "0.5") + "\n");
  store_.end_attempt("s", id_, 1, {});
  EXPECT_EQ(row("SELECT objective FROM trials"), "0.5");
}

TEST_F(IngestTest, ASpoolLargerThanOneBatchIsReadToItsEnd) {
  std::string text;
  for (int step = 0; step < 100'000; ++step) text += metric_line(step, "train/loss", "0.25") + "\n";
  ASSERT_GT(text.size(), 8U << 20 >> 1);
  EXPECT_EQ(ingest(text + text).size(), 200'000U);
  EXPECT_EQ(row("SELECT count(*), sum(value) FROM mvn_metric"), "100000|25000.0");
}

}  // namespace
}  // namespace mvn
