#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "common/files.h"
#include "fixture.h"
#include "orchestrate/store/maintenance.h"
#include "orchestrate/store/merge_results.h"
#include "orchestrate/store/rebuild.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

class MergeTest : public StoreTest {
 protected:
  MergeTest() : other_(results_ / "other-machine") {}

  // A trial of `results`, as far as it came.
  void train(const fs::path& results, Store& store, const std::string& start,
             const std::vector<std::string>& lines, TrialState state = TrialState::kDone,
             const std::string& sweep = "s") const {
    const int attempt = store.start_attempt(sweep, id_of(start), "worker 1", "cpu");
    const auto spool = trial_paths(results, sweep, id_of(start)).spool(attempt);
    fs::create_directories(spool.parent_path());
    for (const auto& line : lines) std::ofstream(spool, std::ios::app) << line << "\n";
    store.end_attempt(sweep, id_of(start), attempt, {state, std::nullopt, std::nullopt, "", ""});
  }

  [[nodiscard]] static PlannedTrial trial(const std::string& start, double lr, int seed) {
    return planned(start, {{"optimizer.lr", lr}}, seed);
  }

  // Here a1 is done, b1 came to step 1 and d1 is planned; there a1 differs, b1 is done, d1 came to
  // step 2 and c1, of another learning rate, is new.
  void make_both() const {
    {
      Store store(database());
      store.record_plan(
          plan_of("s", {trial("a1", 0.1, 0), trial("b1", 0.1, 1), trial("d1", 0.1, 2)}));
      train(results_, store, "a1", {metric_line(1, "eval/accuracy", "0.5")});
      train(results_, store, "b1", {metric_line(1, "eval/accuracy", "0.25")},
            TrialState::kInterrupted);
    }
    Store store(database_path(other_));
    store.record_plan(plan_of(
        "s", {trial("a1", 0.1, 0), trial("b1", 0.1, 1), trial("d1", 0.1, 2), trial("c1", 0.2, 0)}));
    train(other_, store, "a1", {metric_line(1, "eval/accuracy", "0.75")});
    train(other_, store, "b1",
          {metric_line(1, "eval/accuracy", "0.5"), metric_line(2, "eval/accuracy", "0.625"),
           metric_line(2, "there/only", "7"), R"({"type":"cost","time":1,"values":{"seconds":2}})",
           R"({"type":"event","time":1,"level":"warning","message":"hot"})",
           R"({"type":"artifact","time":1,"kind":"model","path":"/there/model"})"});
    train(other_, store, "d1", {metric_line(2, "eval/accuracy", "0.1")}, TrialState::kInterrupted);
    train(other_, store, "c1", {metric_line(1, "eval/accuracy", "0.875")});
  }

  [[nodiscard]] Rows actions(const MergePlan& plan) const {
    Rows lines;
    for (const auto& each : plan.trials) {
      lines.push_back(each.id.substr(0, 2) + " " +
                      (each.action == MergeAction::kAdd       ? "add"
                       : each.action == MergeAction::kReplace ? "replace"
                                                              : "keep") +
                      (each.folder ? "" : ", no folder") + (each.differs ? ", differs" : ""));
    }
    return lines;
  }

  [[nodiscard]] Rows everything() const {
    Rows all;
    for (const auto* sql :
         {"SELECT sweep, trial, params, seed, state, objective, current FROM trials ORDER BY 2",
          "SELECT trial, name, step, value, attempt FROM metrics ORDER BY 1, 2, 3",
          "SELECT trial, name, value FROM params ORDER BY 1, 2",
          "SELECT trial, name, value FROM costs ORDER BY 1, 2",
          "SELECT trial, level, message FROM events ORDER BY 1",
          "SELECT trial, kind, path FROM artifacts ORDER BY 1",
          "SELECT stage, maximize FROM mvn_stage"}) {
      const auto part = rows(sql);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  const fs::path other_;
};

TEST_F(MergeTest, TheFinishedOneWinsElseTheOneThatCameFurther) {
  make_both();
  const auto before = everything();
  const auto plan = plan_merge(results_, other_);
  EXPECT_EQ(actions(plan), (Rows{"a1 keep, differs", "b1 replace", "c1 add", "d1 replace"}));
  EXPECT_EQ(plan.different(), 1U);
  EXPECT_EQ(everything(), before);  // a plan changes nothing
  merge_results(results_, other_, plan);
  EXPECT_EQ(rows("SELECT trial, params, seed, state, objective FROM trials ORDER BY trial"),
            (Rows{"a10000000000|lr=0.1|0|done|0.5", "b10000000000|lr=0.1|1|done|0.625",
                  "c10000000000|lr=0.2|0|done|0.875", "d10000000000|lr=0.1|2|interrupted|0.1"}));
  EXPECT_EQ(rows("SELECT trial, value FROM metrics WHERE name = 'there/only'"),
            Rows{"b10000000000|7.0"});
  EXPECT_EQ(rows("SELECT value FROM costs"), Rows{"2.0"});
  EXPECT_EQ(read_file(spool("s", id_of("c1"), 1)), metric_line(1, "eval/accuracy", "0.875") + "\n");
  EXPECT_TRUE(check_database(results_, false).is_whole());
  EXPECT_FALSE(fs::exists(results_ / ".merge"));
  EXPECT_FALSE(fs::exists(results_ / "s" / ".merge"));
}

TEST_F(MergeTest, WhatIsMergedCanBeMadeAnewFromTheFiles) {
  make_both();
  merge_results(results_, other_, plan_merge(results_, other_));
  const auto merged = everything();
  rebuild_database(results_);
  EXPECT_EQ(everything(), merged);
}

TEST_F(MergeTest, TheOtherSideStaysAsItIs) {
  make_both();
  const auto read_all = [&] {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(other_)) {
      if (entry.is_regular_file()) files[entry.path().string()] = read_file(entry.path());
    }
    return files;
  };
  const auto before = read_all();
  merge_results(results_, other_, plan_merge(results_, other_));
  auto after = read_all();
  // A reader of a WAL database makes these two, and leaves them empty.
  std::erase_if(after, [&](const auto& file) {
    return !before.contains(file.first) &&
           (file.first.ends_with("-wal") || file.first.ends_with("-shm"));
  });
  EXPECT_EQ(after, before);
}

TEST_F(MergeTest, MergingAgainChangesNothing) {
  make_both();
  merge_results(results_, other_, plan_merge(results_, other_));
  const auto merged = everything();
  const auto plan = plan_merge(results_, other_);
  EXPECT_EQ(plan.count(MergeAction::kKeep), 4U);
  merge_results(results_, other_, plan);
  EXPECT_EQ(everything(), merged);
}

TEST_F(MergeTest, ADatabaseAloneBringsResultsWithoutFiles) {
  make_both();
  const auto copy = results_ / "there.db";
  backup_database(database_path(other_), copy);
  const auto plan = plan_merge(results_, copy);
  // What is not finished could not be gone on with.
  EXPECT_EQ(actions(plan), (Rows{"a1 keep, no folder, differs", "b1 replace, no folder",
                                 "c1 add, no folder", "d1 keep, no folder"}));
  EXPECT_EQ(plan.without_folder(), 2U);
  merge_results(results_, copy, plan);
  EXPECT_EQ(rows("SELECT trial, state, objective FROM trials ORDER BY trial"),
            (Rows{"a10000000000|done|0.5", "b10000000000|done|0.625", "c10000000000|done|0.875",
                  "d10000000000|planned|NULL"}));
  EXPECT_FALSE(fs::exists(results_ / "s" / "b10000000000"));  // of the attempt that lost
}

TEST_F(MergeTest, ASweepThatIsNewComesWhole) {
  make_both();
  {
    Store store(database_path(other_));
    store.record_plan(plan_of("t", {trial("e1", 0.5, 0)}));
    train(other_, store, "e1", {metric_line(1, "eval/accuracy", "1")}, TrialState::kDone, "t");
  }
  merge_results(results_, other_, plan_merge(results_, other_));
  EXPECT_EQ(rows("SELECT sweep, trials, done FROM sweeps ORDER BY sweep"),
            (Rows{"s|4|3", "t|1|1"}));
  EXPECT_EQ(rows("SELECT objective FROM runs_t"), Rows{"1.0"});
  EXPECT_TRUE(fs::exists(results_ / "t" / "sweep.json"));
}

TEST_F(MergeTest, IntoAFolderWithNothingInIt) {
  make_both();
  const auto fresh = results_ / "fresh";
  merge_results(fresh, other_, plan_merge(fresh, other_));
  EXPECT_TRUE(check_database(fresh, false).is_whole());
  SQLite::Database db(database_path(fresh).string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM trials").getInt(), 4);
}

TEST_F(MergeTest, DifferentGoalsAreRefused) {
  make_both();
  {
    Store store(database_path(other_));
    auto plan = plan_of("s", {trial("a1", 0.1, 0)});
    plan.metrics[""] = {"eval/loss", false};
    store.record_plan(plan);
  }
  EXPECT_EQ(error_of([&] { plan_merge(results_, other_); }),
            "sweep 's' is judged by eval/accuracy, maximized here and by eval/loss, minimized "
            "there: give one of the sweeps another name, and run it so that it is known by it");
}

TEST_F(MergeTest, WhatIsNoOtherDatabaseIsRefused) {
  make_both();
  EXPECT_EQ(error_of([&] { plan_merge(results_, results_); }),
            database().string() + " is this database itself");
  EXPECT_NE(error_of([&] { plan_merge(results_, results_ / "none"); }).find("no such database"),
            std::string::npos);
  fs::create_directories(results_ / "empty");
  EXPECT_NE(error_of([&] { plan_merge(results_, results_ / "empty"); }).find("collect --rebuild'"),
            std::string::npos);
  {
    SQLite::Database songs((results_ / "songs.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    songs.exec("CREATE TABLE songs (title TEXT)");
  }
  EXPECT_EQ(error_of([&] { plan_merge(results_, results_ / "songs.db"); }),
            (results_ / "songs.db").string() + ": is no results.db of mvn-runner");
  std::ofstream(results_ / "text.db") << std::string(5000, 'x');
  EXPECT_NE(error_of([&] {
              plan_merge(results_, results_ / "text.db");
            }).find("no SQLite database, or damaged"),
            std::string::npos);
}

TEST_F(MergeTest, LinksAreNotCopied) {
  make_both();
  const auto folder = trial_paths(other_, "s", id_of("c1")).folder;
  std::ofstream(results_ / "secret") << "x";
  fs::create_symlink(results_ / "secret", folder / "link");
  merge_results(results_, other_, plan_merge(results_, other_));
  EXPECT_FALSE(
      fs::exists(fs::symlink_status(trial_paths(results_, "s", id_of("c1")).folder / "link")));
}

}  // namespace
}  // namespace mvn
