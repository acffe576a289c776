#include "orchestrate/store/rebuild.h"

#include <fstream>

#include "common/files.h"
#include "fixture.h"

namespace mvn {
namespace {

class RebuildTest : public StoreTest {
 protected:
  // Two sweeps with everything that can happen to a trial, and a database as a runner leaves it.
  void make_results() {
    Store store(database());
    store.record_plan(plan_of(
        "lr",
        {planned("a1", {{"optimizer.lr", 0.001}}, 0), planned("a2", {{"optimizer.lr", 0.001}}, 1),
         planned("b1", {{"optimizer.lr", 0.01}}, 0), planned("b2", {{"optimizer.lr", 0.01}}, 1)}));
    for (const auto* id : {"a1", "a2"}) {
      run_trial(store, "lr", id_of(id),
                {metric_line(1, "eval/accuracy", "0.5"), metric_line(1, "train/loss", "NaN"),
                 metric_line(2, "eval/accuracy", "0.75"), "damaged",
                 R"({"type":"cost","time":1,"values":{"seconds":2}})"});
    }
    run_trial(store, "lr", id_of("b1"), {metric_line(1, "train/loss", "\"Infinity\"")},
              {TrialState::kFailed, std::nullopt, 11, "killed by SIGSEGV", "a\nb"});
    run_trial(store, "lr", id_of("b1"), {metric_line(1, "train/loss", "3.25")},
              {TrialState::kDiverged, 78, std::nullopt, "the loss is NaN", ""});
    store.block("lr", id_of("b2"), "because");
    store.record_plan(plan_of("other", {planned("c1", Json::object(), 3, "first")}));
    run_trial(store, "other", id_of("c1"), {metric_line(4, "eval/accuracy", "0.125")});
  }

  [[nodiscard]] std::vector<Rows> content() const {
    std::vector<Rows> content;
    for (const auto* sql :
         {"SELECT * FROM metrics ORDER BY sweep, trial, name, step",
          "SELECT t.hash, n.name, m.step, m.attempt, m.value, m.time FROM mvn_metric m"
          " JOIN mvn_trial t ON t.id = m.trial JOIN mvn_metric_name n ON n.id = m.name"
          " ORDER BY 1, 2, 3, 4",
          "SELECT * FROM trials ORDER BY sweep, id", "SELECT * FROM params ORDER BY trial, name",
          "SELECT * FROM group_stats ORDER BY sweep, stage, group_id",
          "SELECT * FROM failures ORDER BY trial, attempt",
          "SELECT * FROM costs ORDER BY trial, name",
          "SELECT trial, level, message FROM events ORDER BY trial, message",
          "SELECT s.name, t.hash, t.state, t.reason, t.label, t.config, t.depends_on, t.position,"
          " t.current FROM mvn_trial t JOIN mvn_sweep s ON s.id = t.sweep ORDER BY 1, 2",
          "SELECT t.hash, a.attempt, a.state, a.worker, a.device, a.started, a.ended, a.exit_code,"
          " a.signal, a.message, a.log_tail, a.step, a.spool_offset FROM mvn_attempt a"
          " JOIN mvn_trial t ON t.id = a.trial ORDER BY 1, 2",
          "SELECT name, file, text, resolved, version, created FROM mvn_sweep ORDER BY name",
          "SELECT stage, maximize, position FROM mvn_stage ORDER BY 1"}) {
      content.push_back(rows(sql));
    }
    return content;
  }
};

TEST_F(RebuildTest, EqualsTheDatabaseThatTheRunnerWrote) {
  make_results();
  const auto before = content();
  const auto summary = rebuild_database(results_);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(summary.sweeps.size(), 2U);
  EXPECT_EQ(summary.trials, 5);
  EXPECT_EQ(summary.attempts, 5);
  EXPECT_EQ(summary.records, 11);
  EXPECT_EQ(summary.kept, results_ / "results.db.before-rebuild");
  EXPECT_TRUE(std::filesystem::exists(summary.kept));
}

TEST_F(RebuildTest, WorksWhereTheDatabaseIsLostOrDamaged) {
  make_results();
  const auto before = content();
  std::filesystem::resize_file(database(), 5000);
  rebuild_database(results_);
  EXPECT_EQ(content(), before);
  std::filesystem::remove(database());
  EXPECT_EQ(rebuild_database(results_).kept, "");
  EXPECT_EQ(content(), before);
}

TEST_F(RebuildTest, KeepsTrialsThatTheSweepFileNoLongerNames) {
  make_results();
  {
    Store store(database());
    store.record_plan(plan_of("lr", {planned("a1", {{"optimizer.lr", 0.001}}, 0)}));
  }
  const auto before = rows("SELECT trial, objective, current FROM trials ORDER BY trial");
  rebuild_database(results_);
  EXPECT_EQ(rows("SELECT trial, objective, current FROM trials ORDER BY trial"), before);
}

TEST_F(RebuildTest, AttemptsAreTakenFromTheirSpoolsWhereTheJournalIsLost) {
  make_results();
  write_spool("other", id_of("c1"), 1,
              R"({"type":"end","time":5,"code":0,"message":""})"
              "\n");
  const auto metrics = rows("SELECT * FROM metrics ORDER BY trial, name, step, attempt");
  std::filesystem::remove(results_ / "lr" / "runner.jsonl");
  std::filesystem::remove(results_ / "other" / "runner.jsonl");
  rebuild_database(results_);
  EXPECT_EQ(rows("SELECT * FROM metrics ORDER BY trial, name, step, attempt"), metrics);
  EXPECT_EQ(rows("SELECT trial, state FROM trials WHERE attempts > 0 ORDER BY trial"),
            (Rows{"a10000000000|interrupted", "a20000000000|interrupted",
                  "b10000000000|interrupted", "c10000000000|done"}));
}

// Without its values a trial that is "done" would be left out of every answer, and never run again.
TEST_F(RebuildTest, ATrialWhoseFilesAreGoneRunsAgain) {
  make_results();
  const auto seconds = rows("SELECT trial, seconds FROM trials ORDER BY trial");
  std::filesystem::remove_all(trial_paths(results_, "lr", id_of("a2")).folder);
  std::filesystem::remove_all(trial_paths(results_, "lr", id_of("b1")).folder);
  const auto summary = rebuild_database(results_);
  EXPECT_EQ(summary.lost, 1);
  EXPECT_EQ(rows("SELECT trial, state, message FROM trials WHERE sweep = 'lr' ORDER BY trial"),
            (Rows{"a10000000000|done|",
                  "a20000000000|interrupted|its files are gone, and its results with them",
                  "b10000000000|diverged|the loss is NaN", "b20000000000|blocked|because"}));
  EXPECT_EQ(rows("SELECT trial, seconds FROM trials ORDER BY trial"), seconds);
  EXPECT_EQ(rebuild_database(results_).lost, 1);  // until it has run
}

TEST_F(RebuildTest, ARunnerThatFindsNoDatabaseTakesInTheSweepsFolder) {
  make_results();
  const std::string sql = "SELECT * FROM metrics WHERE sweep = 'other'";
  const auto before = rows(sql);
  ASSERT_EQ(before.size(), 1U);
  std::filesystem::remove(database());
  Store store(database());
  store.record_plan(plan_of("other", {planned("c1", Json::object(), 3, "first")}));
  EXPECT_EQ(rows(sql), before);
  EXPECT_EQ(store.trials("other")[0].state, TrialState::kDone);
  EXPECT_EQ(store.start_attempt("other", id_of("c1"), "worker 1", "cpu"), 2);
}

TEST_F(RebuildTest, ADamagedFileOfASweepIsNamed) {
  make_results();
  const auto path = results_ / "lr" / "sweep.json";
  std::ofstream(path) << R"({"name": "lr"})";
  EXPECT_EQ(error_of([&] { rebuild_database(results_); }),
            (results_ / "lr").string() +
                ": sweep.json or runner.jsonl is damaged: [json.exception.out_of_range.403] key "
                "'created' not found");
  EXPECT_EQ(rows("SELECT count(*) FROM trials"), Rows{"5"});
}

TEST_F(RebuildTest, IdsThatLeadElsewhereAreRefused) {
  make_results();
  const auto before = content();
  const auto path = results_ / "other" / "sweep.json";
  auto text = read_file(path);
  text.replace(text.find(id_of("c1")), 64, "../../../..");
  std::ofstream(path) << text;
  EXPECT_EQ(error_of([&] { rebuild_database(results_); }),
            (results_ / "other").string() +
                ": sweep.json or runner.jsonl is damaged: '../../../..' is no trial's id, which is "
                "made of 0-9 and a-f");
  EXPECT_EQ(content(), before);
  EXPECT_FALSE(std::filesystem::exists(results_ / "results.db.rebuild"));
}

TEST_F(RebuildTest, ASweepThatNestsTooDeeplyIsNamedAndNothingIsLeftOver) {
  make_results();
  const auto path = results_ / "lr" / "sweep.json";
  std::ofstream(path) << R"({"name": "lr", "trials": )" << std::string(100'000, '[');
  EXPECT_EQ(error_of([&] { rebuild_database(results_); }),
            path.string() + ":1:125: 'trials': lists and objects nest more than 100 deep");
  EXPECT_EQ(rows("SELECT count(*) FROM trials"), Rows{"5"});
  for (const auto& entry : std::filesystem::directory_iterator(results_)) {
    EXPECT_EQ(entry.path().filename().string().find(".rebuild"), std::string::npos) << entry;
  }
}

TEST_F(RebuildTest, AFolderWithoutSweepsIsLeftAlone) {
  EXPECT_EQ(error_of([&] { rebuild_database(results_); }),
            results_.string() + ": holds no sweep (no folder with a sweep.json)");
  EXPECT_EQ(error_of([&] { rebuild_database(results_ / "none"); }),
            results_.string() + "/none: no such folder");
  EXPECT_TRUE(std::filesystem::is_empty(results_));
}

}  // namespace
}  // namespace mvn
