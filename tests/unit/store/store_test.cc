#include "orchestrate/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "common/files.h"
#include "common/json.h"
#include "fixture.h"
#include "orchestrate/store/reader.h"

namespace mvn {
namespace {

SweepPlan two_trials() {
  return plan_of("lr", {planned("a1", {{"optimizer.lr", 0.001}}, 0),
                        planned("b2", {{"optimizer.lr", 0.01}}, 0)});
}

TEST_F(StoreTest, PlannedTrialsAreStoredOnceInTheirOrder) {
  Store store(database());
  store.record_plan(two_trials());
  store.record_plan(two_trials());

  const auto trials = store.trials("lr");
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].id, id_of("a1"));
  EXPECT_EQ(trials[0].state, TrialState::kPlanned);
  EXPECT_EQ(trials[0].attempts, 0);
  EXPECT_EQ(trials[1].id, id_of("b2"));
  EXPECT_EQ(rows("SELECT trial, name, value, swept FROM params ORDER BY trial, name"),
            (Rows{"a10000000000|optimizer.lr|0.001|1", "a10000000000|seed|0|0",
                  "b20000000000|optimizer.lr|0.01|1", "b20000000000|seed|0|0"}));
}

TEST_F(StoreTest, AnAxisThatGrowsAddsOnlyTheNewTrials) {
  Store store(database());
  store.record_plan(two_trials());
  run_trial(store, "lr", id_of("a1"), {metric_line(1, "eval/accuracy", "0.5")});

  SweepPlan grown = two_trials();
  grown.trials.erase(grown.trials.begin() + 1);
  grown.trials.push_back(planned("c3", {{"optimizer.lr", 0.1}}, 0));
  store.record_plan(grown);

  EXPECT_EQ(rows("SELECT trial, state, current FROM trials ORDER BY trial"),
            (Rows{"a10000000000|done|1", "b20000000000|planned|0", "c30000000000|planned|1"}));
}

TEST_F(StoreTest, AttemptsCountUpAndTheLastDecidesTheState) {
  Store store(database());
  store.record_plan(two_trials());
  const std::string id = id_of("a1");
  EXPECT_EQ(store.start_attempt("lr", id, "worker 1", "cpu"), 1);
  EXPECT_EQ(store.trials("lr")[0].state, TrialState::kRunning);
  store.end_attempt(
      "lr", id, 1,
      {TrialState::kFailed, std::nullopt, 9, "the worker was killed by SIGKILL", "last line"});
  EXPECT_EQ(store.trials("lr")[0].state, TrialState::kFailed);
  EXPECT_EQ(row("SELECT params, seed, state, message, exit_code, signal, attempt, log, log_tail"
                " FROM failures"),
            "lr=0.001|0|failed|the worker was killed by SIGKILL|NULL|9|1|"
            "lr/a10000000000/attempts/1/log.txt|last line");

  EXPECT_EQ(store.start_attempt("lr", id, "worker 2", "cpu"), 2);
  store.end_attempt("lr", id, 2, {TrialState::kDone, 0, std::nullopt, "", ""});
  EXPECT_EQ(store.trials("lr")[0].state, TrialState::kDone);
  EXPECT_EQ(store.trials("lr")[0].attempts, 2);
}

TEST_F(StoreTest, ABlockedTrialSaysWhyUntilItRuns) {
  Store store(database());
  store.record_plan(two_trials());
  store.block("lr", id_of("b2"), "trial a10000000000 failed");
  EXPECT_EQ(row("SELECT state, message FROM failures"), "blocked|trial a10000000000 failed");
  run_trial(store, "lr", id_of("b2"), {});
  EXPECT_EQ(row("SELECT state, message FROM trials WHERE trial = 'b20000000000'"), "done|");
}

TEST_F(StoreTest, ViewsAreMadeAnewWhenTheirTextHasChanged) {
  { const Store store(database()); }
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
    db.exec("DROP VIEW trials; CREATE VIEW trials AS SELECT 1 AS old");
    db.exec("DROP VIEW mvn_views; CREATE VIEW mvn_views AS SELECT 'of another version' AS hash");
  }
  { const Store store(database()); }
  EXPECT_EQ(row("SELECT count(*) FROM pragma_table_info('trials') WHERE name = 'old'"), "0");
  EXPECT_EQ(row("SELECT count(*) FROM pragma_table_info('trials') WHERE name = 'state'"), "1");
}

TEST_F(StoreTest, FinishedTrialsAreFoundByPrefixInAnySweep) {
  Store store(database());
  store.record_plan(two_trials());
  store.record_plan(plan_of("other", {planned("a9", Json::object(), 0)}));
  run_trial(store, "lr", id_of("a1"), {});
  EXPECT_EQ(ResultsReader(database()).finished_with_prefix("a"), Rows{id_of("a1")});
  run_trial(store, "other", id_of("a9"), {});
  EXPECT_EQ(ResultsReader(database()).finished_with_prefix("a"), (Rows{id_of("a1"), id_of("a9")}));
  EXPECT_EQ(ResultsReader(database()).finished_with_prefix("b"), Rows{});
  EXPECT_EQ(store.folder_of(id_of("a9")), "other/a90000000000");
  EXPECT_EQ(error_of([&] { (void)store.folder_of(id_of("ff")); }),
            database().string() + ": no trial ff0000000000");
}

TEST_F(StoreTest, WhatRanWhenTheRunnerDiedIsSettledFromItsSpool) {
  SweepPlan plan = two_trials();
  plan.trials.push_back(planned("c3", {{"optimizer.lr", 0.1}}, 0));
  {
    Store store(database());
    store.record_plan(plan);
    for (const auto* id : {"a1", "b2", "c3"}) store.start_attempt("lr", id_of(id), "w", "cpu");
  }
  write_spool("lr", id_of("a1"), 1,
              metric_line(5, "eval/accuracy", "0.75") + "\n" +
                  R"({"type":"end","time":2000,"code":0,"message":""})" + "\n");
  write_spool("lr", id_of("b2"), 1, metric_line(3, "eval/accuracy", "0.5") + "\n{\"type\":\"met");
  write_spool("lr", id_of("c3"), 1,
              R"({"type":"end","time":2000,"code":79,"message":"train.tsv:3: no label"})"
              "\n");
  Store store(database());
  store.record_plan(plan);
  EXPECT_EQ(rows("SELECT trial, state, objective, message FROM trials ORDER BY trial"),
            (Rows{"a10000000000|done|0.75|",
                  "b20000000000|interrupted|0.5|the runner ended before the trial did",
                  "c30000000000|failed|NULL|train.tsv:3: no label"}));
}

TEST_F(StoreTest, AnUnknownTrialIsAnErrorThatNamesTheSweep) {
  Store store(database());
  store.record_plan(two_trials());
  EXPECT_EQ(error_of([&] { store.start_attempt("lr", id_of("ff"), "w", "cpu"); }),
            database().string() + ": sweep 'lr' has no trial ff0000000000");
}

TEST_F(StoreTest, ADatabaseOfANewerProgramIsRefused) {
  { Store store(database()); }
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA user_version = 99");
  }
  EXPECT_EQ(error_of([&] { Store store(database()); }),
            database().string() + ": written by a newer mvn-runner (schema 99; this one, " +
                MVN_VERSION +
                ", knows up to 7); use that version, or another folder with "
                "--results");
}

TEST_F(StoreTest, ADatabaseOfAnotherProgramIsRefusedAndLeftAlone) {
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE songs (title TEXT)");
  }
  EXPECT_EQ(
      error_of([&] { Store store(database()); }),
      database().string() + ": a database of another program; give another folder with --results");
  EXPECT_EQ(rows("SELECT name FROM sqlite_schema"), Rows{"songs"});
}

TEST_F(StoreTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(database()) << std::string(4096, 'x');
  EXPECT_EQ(error_of([&] { Store store(database()); }),
            database().string() +
                ": no SQLite database, or damaged; make it anew from the spools with 'mvn-runner "
                "collect --rebuild', or give another folder with --results");
}

TEST_F(StoreTest, IsItsUsersAlone) {
  const Store store(database());
  EXPECT_EQ(std::filesystem::status(database()).permissions(), std::filesystem::perms(0600));
}

TEST_F(StoreTest, IsNotWrittenThroughALink) {
  const auto other = results_ / "other" / "results.db";
  { const Store store(other); }
  std::filesystem::create_symlink(other, database());
  EXPECT_EQ(error_of([&] { Store{database()}; }),
            database().string() + ": is a symbolic link, which is not written through; remove it");
}

TEST_F(StoreTest, HoldsNoSecretsOfAPlan) {
  auto plan = plan_of("s", {planned("a1", {{"args.api_key", "abc"}}, 0)});
  plan.text = "args: {api_key: abc}\n";
  plan.resolved = Json::parse(R"({"args": {"api_key": "abc"}})");
  plan.trials[0].config = plan.resolved;
  Store(database()).record_plan(plan);
  EXPECT_EQ(row("SELECT text || resolved FROM mvn_sweep"),
            "args: {api_key: ***}\n{\"args\":{\"api_key\":\"***\"}}");
  EXPECT_EQ(row("SELECT config || parameters FROM mvn_trial"),
            "{\"args\":{\"api_key\":\"***\"}}{\"args.api_key\":\"***\"}");
  EXPECT_EQ(row("SELECT value FROM mvn_param WHERE name = 'args.api_key'"), "***");
  const auto manifest = read_file(results_ / "s" / "sweep.json");
  EXPECT_EQ(manifest.find("abc"), std::string::npos) << manifest;
}

TEST_F(StoreTest, NamesThatLeadElsewhereAreRefused) {
  {
    Store store(database());
    store.record_plan(plan_of("s", {planned("a1", Json::object(), 0)}));
    store.start_attempt("s", id_of("a1"), "worker 1", "cpu");
  }
  SQLite::Database(database().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE mvn_sweep SET name = '../../victim'");
  EXPECT_EQ(error_of([&] { Store(database()).settle(); }),
            "'../../victim' cannot be a sweep's name: it is no folder's");
}

TEST_F(StoreTest, AColumnThatNestsTooDeeplyIsNamed) {
  {
    Store store(database());
    store.record_plan(plan_of("lr", {planned("a1", Json::object(), 0)}));
  }
  SQLite::Database(database().string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE mvn_trial SET config = '{\"model\":' || printf('%.*c', 100000, '[')");
  const ResultsReader reader(database());
  EXPECT_EQ(error_of([&] { static_cast<void>(reader.with_prefix(id_of("a1"))); }),
            database().string() +
                ": column 'config':1:109: 'model': lists and objects nest more than 100 deep");
}

TEST_F(StoreTest, ADatabaseOfSchema1IsStillReadAndWritten) {
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    std::ifstream in(std::string(MVN_TEST_DATA) + "/schema_1.sql");
    db.exec(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  Store store(database());
  store.record_plan(two_trials());
  run_trial(store, "lr", id_of("b2"), {metric_line(1, "eval/accuracy", "0.25")});
  EXPECT_EQ(rows("SELECT params, state, objective FROM trials ORDER BY trial"),
            (Rows{"lr=0.001|done|0.5", "lr=0.01|done|0.25"}));
}

// Written by the version before `first_step`: a trial that was killed at step 25 and began again at
// 23, one that was trained again from scratch, and one that says it went on from step 4.
class OldStoreTest : public StoreTest {
 protected:
  OldStoreTest() {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    std::ifstream in(std::string(MVN_TEST_DATA) + "/schema_3.sql");
    db.exec(std::string(std::istreambuf_iterator<char>(in), {}));
  }
};

TEST_F(OldStoreTest, WhatLaterAttemptsReplacedNoLongerCounts) {
  EXPECT_EQ(rows("SELECT trial, objective FROM trials ORDER BY trial"),
            (Rows{"a10000000000|5.0", "b20000000000|0.125", "c30000000000|0.75"}));
  const Store store(database());
  EXPECT_EQ(rows("SELECT trial, objective, step FROM trials ORDER BY trial"),
            (Rows{"a10000000000|0.5|23", "b20000000000|0.125|1", "c30000000000|0.25|8"}));
  EXPECT_EQ(rows("SELECT trial, step, value FROM metrics ORDER BY trial, step"),
            (Rows{"a10000000000|20|4.0", "a10000000000|23|0.5", "b20000000000|1|0.125",
                  "c30000000000|4|0.5", "c30000000000|8|0.25"}));
}

TEST_F(OldStoreTest, IsReadAsItIsUntilASweepRuns) {
  const ResultsReader reader(database());
  const auto histories = reader.histories("lr");
  ASSERT_EQ(histories.size(), 3U);
  EXPECT_EQ(histories[0].curve, (std::map<std::int64_t, double>{{20, 4}, {23, 0.5}, {25, 5}}));
  EXPECT_EQ(row("PRAGMA user_version"), "3");
}

TEST_F(StoreTest, ReadersWorkWhileTheWriterHoldsATransaction) {
  Store store(database());
  store.record_plan(two_trials());
  EXPECT_EQ(row("PRAGMA journal_mode"), "wal");
  SQLite::Database other(database().string(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  EXPECT_EQ(row("SELECT count(*) FROM trials"), "2");
}

}  // namespace
}  // namespace mvn
