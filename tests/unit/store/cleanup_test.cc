#include "orchestrate/store/cleanup.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include "common/files.h"
#include "fixture.h"
#include "orchestrate/store/artifacts.h"
#include "orchestrate/store/rebuild.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

class CleanupTest : public StoreTest {
 protected:
  [[nodiscard]] fs::path model(const std::string& sweep, const std::string& start) const {
    return trial_paths(results_, sweep, id_of(start)).model();
  }
  [[nodiscard]] bool has_model(const std::string& sweep, const std::string& start) const {
    return fs::exists(model(sweep, start));
  }

  // A trial that saved a model of 8 bytes and ended so.
  void train(Store& store, const std::string& sweep, const std::string& start,
             const std::string& accuracy, TrialState state = TrialState::kDone) const {
    const auto folder = model(sweep, start);
    fs::create_directories(folder);
    std::ofstream(folder / "model.safetensors") << "12345678";
    run_trial(store, sweep, id_of(start),
              {metric_line(1, "eval/accuracy", accuracy),
               R"({"type":"artifact","time":1,"kind":"model","path":")" + folder.string() +
                   R"(","step":1,"bytes":8})",
               R"({"type":"artifact","time":1,"kind":"plot","path":")" +
                   (folder.parent_path() / "plot.png").string() + R"("})"},
              {state, std::nullopt, std::nullopt, "", ""});
    std::ofstream(folder.parent_path() / "plot.png") << "x";
  }

  // Two trials of a first stage, one trial for each in a second.
  void make_stages() const {
    Store store(database());
    auto one = planned("c1", {{"optimizer.lr", 1}}, 0, "second");
    auto two = planned("c2", {{"optimizer.lr", 2}}, 0, "second");
    one.depends_on = {id_of("a1")};
    two.depends_on = {id_of("a2")};
    store.record_plan(plan_of("s", {planned("a1", {{"optimizer.lr", 1}}, 0, "first"),
                                    planned("a2", {{"optimizer.lr", 2}}, 0, "first"),
                                    planned("a3", {{"optimizer.lr", 3}}, 0, "first"), one, two}));
    train(store, "s", "a1", "0.9");
    train(store, "s", "a2", "0.8");
    train(store, "s", "a3", "0.7");
    train(store, "s", "c1", "0.5");
    train(store, "s", "c2", "0.6");
  }

  // "a1: why" for all that stay, "a2" for what goes.
  [[nodiscard]] Rows decided(const GcPlan& plan) const {
    Rows lines;
    for (const auto& each : plan.trials) {
      lines.push_back(each.id.substr(0, 2) + (each.kept.empty() ? "" : ": " + each.kept));
    }
    return lines;
  }
};

TEST_F(CleanupTest, TheBestStayAndWhatTheyStartFrom) {
  make_stages();
  EXPECT_EQ(decided(plan_gc(results_, "s", 1)),
            (Rows{"a1: is the best", "a2: trial c20000000000 starts from it", "a3", "c1",
                  "c2: is the best"}));
  EXPECT_EQ(decided(plan_gc(results_, "", 0)), (Rows{"a1", "a2", "a3", "c1", "c2"}));
  EXPECT_EQ(decided(plan_gc(results_, "s", 2)), (Rows{"a1: is the best", "a2: is number 2", "a3",
                                                      "c1: is number 2", "c2: is the best"}));
  const auto plan = plan_gc(results_, "s", 1);
  EXPECT_EQ(plan.removed(), 2U);
  EXPECT_EQ(plan.freed(), 16U);
  EXPECT_EQ(plan.kept(), 24U);
}

// Else a metric that nobody reported would cost all models.
TEST_F(CleanupTest, WhatCannotBeJudgedStays) {
  {
    Store store(database());
    auto plan = plan_of(
        "s", {planned("a1", {{"optimizer.lr", 1}}, 0), planned("a2", {{"optimizer.lr", 2}}, 0)});
    plan.metrics[""] = {"eval/other", true};
    store.record_plan(plan);
    train(store, "s", "a1", "0.9");
    train(store, "s", "a2", "NaN");
  }
  const std::string why = ": no trial of its stage has a result to be judged by";
  EXPECT_EQ(decided(plan_gc(results_, "s", 1)), (Rows{"a1" + why, "a2" + why}));
  EXPECT_EQ(decided(plan_gc(results_, "s", 0)), (Rows{"a1", "a2"}));
}

TEST_F(CleanupTest, WhatIsNotFinishedAndItsUpstreamStay) {
  make_stages();
  {
    Store store(database());
    // Of another sweep, by a reference in its configuration.
    auto other = planned("d1", Json::object(), 0);
    Json config = other.config.json();
    config["model"] = {{"weights", {{"trial", id_of("a3")}}}};
    other.config = config;
    store.record_plan(plan_of("t", {other}));
  }
  EXPECT_EQ(decided(plan_gc(results_, "s", 0)),
            (Rows{"a1", "a2", "a3: trial d10000000000 starts from it", "c1", "c2"}));
}

TEST_F(CleanupTest, WhatIsRemovedIsMarkedAndStaysSoInANewDatabase) {
  make_stages();
  EXPECT_EQ(collect_garbage(results_, plan_gc(results_, "s", 1)), 0U);
  EXPECT_TRUE(has_model("s", "a1") && has_model("s", "a2") && has_model("s", "c2"));
  EXPECT_FALSE(has_model("s", "a3") || has_model("s", "c1"));
  EXPECT_TRUE(fs::exists(model("s", "a3").parent_path() / "plot.png"));
  const std::string marked =
      "SELECT trial, kind, removed IS NOT NULL FROM artifacts ORDER BY trial, kind";
  const auto before = rows(marked);
  EXPECT_EQ(before[4], "a30000000000|model|1");
  EXPECT_EQ(before[5], "a30000000000|plot|0");
  EXPECT_EQ(rows("SELECT count(*) FROM artifacts WHERE removed IS NOT NULL"), Rows{"2"});
  EXPECT_EQ(rows("SELECT count(*) FROM mvn_chore"), Rows{"0"});
  rebuild_database(results_);
  EXPECT_EQ(rows(marked), before);
  // Nothing is left to do, and nothing else is lost.
  EXPECT_EQ(plan_gc(results_, "s", 1).removed(), 0U);
  EXPECT_EQ(rows("SELECT state, count(*) FROM trials GROUP BY state"), Rows{"done|5"});
}

TEST_F(CleanupTest, AModelThatIsTrainedAgainIsThere) {
  make_stages();
  collect_garbage(results_, plan_gc(results_, "s", 1));
  {
    Store store(database());
    const int attempt = store.start_attempt("s", id_of("a3"), "w", "cpu", Json::object(), true);
    write_spool("s", id_of("a3"), attempt,
                R"({"type":"artifact","time":99999999999999,"kind":"model","path":")" +
                    model("s", "a3").string() + "\"}\n");
    store.end_attempt("s", id_of("a3"), attempt, {});
  }
  EXPECT_EQ(rows("SELECT count(*) FROM artifacts WHERE trial GLOB 'a3*' AND attempt = 2"
                 " AND removed IS NULL"),
            Rows{"1"});
}

TEST_F(CleanupTest, LinksAreRemovedAndNotFollowed) {
  make_stages();
  const auto elsewhere = results_ / ".." / (results_.filename().string() + "-elsewhere");
  fs::create_directories(elsewhere);
  std::ofstream(elsewhere / "precious") << "x";
  fs::remove_all(model("s", "a3"));
  fs::create_directory_symlink(elsewhere, model("s", "a3"));
  fs::create_directory_symlink(elsewhere, model("s", "c1") / "link");
  EXPECT_EQ(collect_garbage(results_, plan_gc(results_, "s", 1)), 0U);
  EXPECT_FALSE(fs::exists(fs::symlink_status(model("s", "a3"))));
  EXPECT_TRUE(fs::exists(elsewhere / "precious"));
  fs::remove_all(elsewhere);
}

TEST_F(CleanupTest, ADatabaseCannotHaveFilesElsewhereRemoved) {
  make_stages();
  const auto victim = results_ / ".." / (results_.filename().string() + "-victim");
  std::ofstream(victim) << "x";
  std::ofstream(results_ / "keep.txt") << "x";
  fs::create_directory_symlink("..", results_ / "s" / "out");
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
    for (const auto& path :
         {"../" + victim.filename().string(), fs::absolute(victim).string(),
          "s/../../" + victim.filename().string(), "s/out/../" + victim.filename().string(),
          "s/out/keep.txt/../../" + victim.filename().string(), std::string("results.db"),
          std::string("."), std::string("s/..")}) {
      SQLite::Statement insert(db, "INSERT INTO mvn_chore (path) VALUES (?)");
      insert.bind(1, path);
      insert.exec();
    }
  }
  { Store store(database()); }
  EXPECT_TRUE(fs::exists(victim));
  EXPECT_TRUE(fs::exists(results_ / "keep.txt"));
  EXPECT_EQ(rows("SELECT count(*) FROM mvn_chore"), Rows{"0"});
  EXPECT_EQ(rows("SELECT count(*) FROM trials"), Rows{"5"});
  fs::remove(victim);
}

TEST_F(CleanupTest, ASweepIsRemovedWithItsFolderAndOthersStay) {
  make_stages();
  {
    Store store(database());
    store.record_plan(plan_of("t", {planned("a1", {{"optimizer.lr", 1}}, 0, "first")}));
    train(store, "t", "a1", "0.9");
  }
  const auto removal = plan_removal(results_, "s");
  EXPECT_EQ(removal.trials, 5U);
  EXPECT_GT(removal.bytes, 40U);
  EXPECT_EQ(removal.needed_by, Rows{});
  EXPECT_EQ(remove_sweep(results_, "s"), 0U);
  EXPECT_FALSE(fs::exists(results_ / "s"));
  EXPECT_TRUE(has_model("t", "a1"));
  EXPECT_EQ(rows("SELECT sweep, trial, objective FROM trials"), Rows{"t|a10000000000|0.9"});
  EXPECT_EQ(rows("SELECT name FROM sqlite_schema WHERE name GLOB 'runs_*'"), Rows{"runs_t"});
  for (const auto* table : {"mvn_attempt", "mvn_metric", "mvn_param", "mvn_artifact"}) {
    EXPECT_EQ(rows(std::string("SELECT count(*) FROM ") + table +
                   " WHERE trial NOT IN (SELECT id FROM mvn_trial)"),
              Rows{"0"})
        << table;
  }
  EXPECT_EQ(error_of([&] { plan_removal(results_, "s"); }),
            "no sweep of " + database().string() + " is called 's'; did you mean 't'? (known: t)");
  rebuild_database(results_);
  EXPECT_EQ(rows("SELECT sweep FROM sweeps"), Rows{"t"});
}

TEST_F(CleanupTest, WhoNeedsTheSweepIsNamed) {
  make_stages();
  {
    Store store(database());
    auto other = planned("d1", Json::object(), 0);
    other.depends_on = {id_of("a1")};
    store.record_plan(plan_of("t", {other}));
  }
  EXPECT_EQ(plan_removal(results_, "s").needed_by, Rows{"t/d10000000000"});
}

// As a process leaves it that is killed right after its transaction.
TEST_F(CleanupTest, WhatWasLeftToDoIsDoneByTheNextOneThatWrites) {
  make_stages();
  {
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA foreign_keys = ON; DELETE FROM mvn_sweep WHERE name = 's'");
    db.exec("INSERT INTO mvn_chore (path) VALUES ('s')");
  }
  // Half of it was removed.
  fs::rename(results_ / "s", results_ / ".removing-s");
  fs::remove_all(results_ / ".removing-s" / "a10000000000");
  { Store store(database()); }
  EXPECT_FALSE(fs::exists(results_ / ".removing-s"));
  EXPECT_EQ(rows("SELECT count(*) FROM mvn_chore"), Rows{"0"});
}

TEST_F(CleanupTest, ArtifactsAreFoundWhereTheResultsWereMoved) {
  make_stages();
  const auto moved = results_ / "moved";
  fs::create_directories(moved);
  fs::copy(results_ / "s", moved / "s", fs::copy_options::recursive);
  fs::copy_file(database(), moved / "results.db");
  const auto artifacts = stored_artifacts(moved, "s");
  ASSERT_EQ(artifacts.size(), 10U);
  EXPECT_EQ(artifacts[0].path, moved / "s" / "a10000000000" / "model");
  EXPECT_EQ(artifacts[0].reported, model("s", "a1").string());
  EXPECT_EQ(bytes_on_disk(artifacts[0].path), 8U);
}

}  // namespace
}  // namespace mvn
