#include "orchestrate/store/maintenance.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "fixture.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

class MaintenanceTest : public StoreTest {
 protected:
  MaintenanceTest() {
    Store store(database());
    store.record_plan(plan_of(
        "s", {planned("a1", {{"optimizer.lr", 0.1}}, 0), planned("b1", {{"optimizer.lr", 0.2}}, 0),
              planned("c1", {{"optimizer.lr", 0.3}}, 0)}));
    run_trial(store, "s", id_of("a1"),
              {metric_line(1, "eval/accuracy", "0.5"), metric_line(1, "eval/accuracy", "0.75"),
               metric_line(2, "eval/accuracy", "NaN"), "damaged",
               R"({"type":"artifact","time":1,"kind":"model","path":"/m"})"});
    run_trial(store, "s", id_of("b1"), {metric_line(1, "train/loss", "1")},
              {TrialState::kInterrupted, std::nullopt, 9, "killed", ""});
    run_trial(store, "s", id_of("b1"), {metric_line(1, "train/loss", "2")});
  }

  void change(const std::string& sql) const {
    SQLite::Database(database().string(), SQLite::OPEN_READWRITE).exec(sql);
  }
  // Each finding as a line.
  [[nodiscard]] Rows findings(bool at_work = false) const {
    Rows lines;
    for (const auto& each : check_database(results_, at_work).findings) {
      lines.push_back((each.fault ? "" : "note: ") + each.where + ": " + each.what);
    }
    return lines;
  }
};

TEST_F(MaintenanceTest, AWholeDatabaseHasNoFinding) {
  const auto report = check_database(results_, false);
  EXPECT_TRUE(report.is_whole());
  EXPECT_EQ(findings(), Rows{});
  EXPECT_EQ(report.sweeps, 1);
  EXPECT_EQ(report.trials, 3);
  EXPECT_EQ(report.attempts, 3);
  EXPECT_EQ(report.values, 4);
}

TEST_F(MaintenanceTest, ValuesThatAreNotTheSpoolsAreFound) {
  change("UPDATE mvn_metric SET value = 0.8 WHERE value = 0.75");
  EXPECT_EQ(findings(),
            Rows{"s/a10000000000: its spools have 2 values of metrics, the database 2; they first "
                 "differ in eval/accuracy at step 1 of attempt 1"});
  change("UPDATE mvn_metric SET value = 0.75 WHERE value = 0.8");
  change("DELETE FROM mvn_metric WHERE value IS NULL");
  EXPECT_EQ(findings(),
            Rows{"s/a10000000000: its spools have 2 values of metrics, the database 1; they first "
                 "differ in eval/accuracy at step 2 of attempt 1"});
}

TEST_F(MaintenanceTest, ValuesThatNoSpoolHasAreFound) {
  change(
      "INSERT INTO mvn_metric SELECT trial, name, 7, attempt, value, time FROM mvn_metric"
      " WHERE attempt = 2");
  EXPECT_EQ(findings(),
            Rows{"s/b10000000000: its spools have 2 values of metrics, the database 3; they first "
                 "differ in train/loss at step 7 of attempt 2"});
}

TEST_F(MaintenanceTest, StatesAndArtifactsAreCompared) {
  change("UPDATE mvn_trial SET state = 'failed' WHERE short GLOB 'a1*'");
  change("UPDATE mvn_trial SET state = 'done' WHERE short GLOB 'c1*'");
  change("DELETE FROM mvn_artifact");
  EXPECT_EQ(findings(),
            (Rows{"s/a10000000000: is failed, but its last attempt is done",
                  "s/a10000000000/attempts/1: its spool names 1 artifacts, the database 0",
                  "s/c10000000000: is done without an attempt"}));
}

TEST_F(MaintenanceTest, FilesThatAreGoneOrCutAreFound) {
  const auto first = spool("s", id_of("a1"), 1);
  const auto size = fs::file_size(first);
  fs::resize_file(first, size - 10);
  fs::remove(spool("s", id_of("b1"), 2));
  EXPECT_EQ(findings(),
            (Rows{"s/a10000000000/attempts/1: its spool has " + std::to_string(size - 10) +
                      " bytes, but " + std::to_string(size) + " were taken in",
                  "s/b10000000000/attempts/2: its spool is missing"}));
  fs::remove_all(results_ / "s" / "a10000000000");
  EXPECT_EQ(findings().front(), "s/a10000000000: its folder is missing");
}

TEST_F(MaintenanceTest, WhatWasNotTakenInIsNoFaultWhileARunnerWorks) {
  write_spool("s", id_of("a1"), 1, metric_line(3, "eval/accuracy", "1") + "\n");
  EXPECT_EQ(findings(), Rows{"s/a10000000000/attempts/1: its spool has more than was taken in"});
  EXPECT_EQ(findings(true), Rows{});
}

TEST_F(MaintenanceTest, FoldersThatTheDatabaseDoesNotKnowAreFound) {
  fs::create_directories(results_ / "other");
  std::ofstream(results_ / "other" / "sweep.json") << "{}";
  fs::create_directories(results_ / "s" / "d10000000000" / "attempts" / "1");
  auto found = findings();
  std::ranges::sort(found);
  EXPECT_EQ(found, (Rows{"other: the database does not know this sweep",
                         "s/d10000000000: the database does not know this trial"}));
}

TEST_F(MaintenanceTest, RowsThatBelongToNothingAreFound) {
  change("PRAGMA foreign_keys = OFF; DELETE FROM mvn_trial WHERE short GLOB 'b1*'");
  EXPECT_EQ(findings(), (Rows{"the file: 2 rows of mvn_attempt belong to no row of mvn_trial",
                              "the file: 2 rows of mvn_metric belong to no row of mvn_trial",
                              "the file: 2 rows of mvn_param belong to no row of mvn_trial"}));
}

TEST_F(MaintenanceTest, ADamagedPageIsFound) {
  {
    std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::uintmax_t page = 4; page < fs::file_size(database()) / 4096; ++page) {
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(1000, '\xff');
    }
  }
  const auto message = error_of([&] {
    const auto report = check_database(results_, false);
    if (!report.is_whole()) throw Error("found: " + report.findings.front().remedy);
  });
  EXPECT_NE(message.find("make it anew from the spools with 'mvn-runner collect --rebuild'"),
            std::string::npos)
      << message;
}

TEST_F(MaintenanceTest, ABackupIsWholeWhileTheWriterIsOpen) {
  Store store(database());
  run_trial(store, "s", id_of("c1"), {metric_line(1, "eval/accuracy", "0.25")});
  const auto copy = results_ / "copy" / "results.db";
  fs::create_directories(copy.parent_path());
  const auto bytes = backup_database(database(), copy);
  EXPECT_EQ(bytes, fs::file_size(copy));
  SQLite::Database db(copy.string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("PRAGMA integrity_check").getString(), "ok");
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM mvn_metric").getInt(), 5);
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), std::stoi(row("PRAGMA user_version")));
  EXPECT_EQ(db.execAndGet("PRAGMA application_id").getString(), row("PRAGMA application_id"));
  EXPECT_EQ(error_of([&] { backup_database(database(), copy); }),
            copy.string() + " exists already; choose another name, or remove it");
  EXPECT_EQ(error_of([&] { backup_database(database(), results_ / "none" / "x.db"); }),
            (results_ / "none").string() + ": no such folder");
  for (const auto& entry : fs::directory_iterator(copy.parent_path())) {
    EXPECT_EQ(entry.path(), copy);
  }
}

TEST_F(MaintenanceTest, AVacuumGivesSpaceBack) {
  {
    Store store(database());
    for (int step = 0; step < 20'000; step += 2'000) {
      std::vector<std::string> lines;
      for (int i = 0; i < 2'000; ++i) lines.push_back(metric_line(step + i, "x", "0.5"));
      run_trial(store, "s", id_of("c1"), lines);
    }
  }
  change("DELETE FROM mvn_metric WHERE attempt > 1");
  const auto before = rows("SELECT * FROM mvn_metric ORDER BY trial, name, step");
  const auto summary = vacuum_database(results_);
  EXPECT_LT(summary.after, summary.before);
  EXPECT_EQ(summary.after, fs::file_size(database()));
  EXPECT_EQ(rows("SELECT * FROM mvn_metric ORDER BY trial, name, step"), before);
}

}  // namespace
}  // namespace mvn
