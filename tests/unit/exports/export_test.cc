// What `export` says and leaves; tests/e2e/exports opens what it writes with the tools themselves.
#include "orchestrate/exports/export.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>
#include <sstream>

#include "common/files.h"
#include "orchestrate/exports/datasette_texts.h"
#include "store/fixture.h"

namespace mvn {
namespace {

class ExportTest : public StoreTest {
 protected:
  ExportTest() : store_(database()) {
    store_.record_plan(plan_of("demo", {planned("a1", {{"optimizer.lr", 0.1}}, 0),
                                        planned("b1", {{"optimizer.lr", 0.2}}, 0)}));
    run_trial(store_, "demo", id_of("a1"),
              {metric_line(1, "eval/accuracy", "0.5"), metric_line(2, "eval/accuracy", "\"NaN\"")});
  }

  [[nodiscard]] std::string said(ExportRequest request) const {
    request.output = folder_ / request.output.string();
    std::ostringstream out;
    export_sweep(database(), request, out);
    return out.str();
  }
  [[nodiscard]] std::string error(const ExportRequest& request) const {
    return error_of([&] { (void)said(request); });
  }

  Store store_;
};

TEST_F(ExportTest, WritesWhatWasAskedForAndSaysWhatIsNext) {
  const auto text = said({.format = "csv", .sweep = "demo", .output = "out"});
  EXPECT_NE(text.find(": 2 trials, 2 values of metrics\n"), std::string::npos) << text;
  EXPECT_NE(text.find("open it: python3 -c "), std::string::npos) << text;
  const auto metrics = read_file(folder_ / "out/metrics.csv");
  EXPECT_TRUE(
      metrics.starts_with("trial,name,step,value,attempt,time\n"
                          "a10000000000,eval/accuracy,1,0.5,1,"))
      << metrics;
  EXPECT_NE(metrics.find("a10000000000,eval/accuracy,2,NaN,1,"), std::string::npos) << metrics;
  const auto json = Json::parse(
      said({.format = "csv", .sweep = "demo", .output = "out", .overwrite = true, .json = true}));
  EXPECT_EQ(json.at("trials"), 2);
  EXPECT_EQ(json.at("values"), 2);
  EXPECT_EQ(json.at("notes"), Json::array());
}

TEST_F(ExportTest, MistakesAreSaidBeforeAnythingIsWritten) {
  EXPECT_EQ(error({.format = "tensorbord", .sweep = "demo", .output = "out"}),
            "no format is called 'tensorbord'; did you mean 'tensorboard'? (known: tensorboard, "
            "mlflow, wandb, trackio, optuna, csv, datasette)");
  EXPECT_EQ(
      error({.format = "csv", .sweep = "demos", .output = "out"}),
      database().string() + ": no sweep is called 'demos'; did you mean 'demo'? (known: demo)");
  EXPECT_EQ(error({.format = "mlflow",
                   .sweep = "demo",
                   .output = "out",
                   .options = {.for_spreadsheets = true}}),
            "--for-spreadsheets goes with the format csv alone");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(ExportTest, ASweepIsFoundByItsFileToo) {
  const auto file = row("SELECT file FROM mvn_sweep");
  EXPECT_NE(said({.format = "optuna", .sweep = file, .output = "out.db"}).find("2 trials"),
            std::string::npos);
}

TEST_F(ExportTest, TrialsOfAnEarlierFileOnlyWhenAskedFor) {
  store_.record_plan(plan_of("demo", {planned("b1", {{"optimizer.lr", 0.2}}, 0)}));
  EXPECT_NE(said({.format = "csv", .sweep = "demo", .output = "now"}).find(": 1 trial, 0 values"),
            std::string::npos);
  EXPECT_NE(said({.format = "csv", .sweep = "demo", .output = "all", .all = true})
                .find(": 2 trials, 2 values"),
            std::string::npos);
}

// Only the values that count: an attempt that goes on from step 1 replaces what followed.
TEST_F(ExportTest, ReplacedValuesAreNotExported) {
  AttemptEnd interrupted;
  interrupted.state = TrialState::kInterrupted;
  store_.record_plan(plan_of("again", {planned("c1", {{"optimizer.lr", 0.1}}, 0)}));
  run_trial(store_, "again", id_of("c1"),
            {metric_line(1, "loss", "9"), metric_line(2, "loss", "8"), metric_line(3, "loss", "7")},
            interrupted);
  run_trial(store_, "again", id_of("c1"),
            {R"({"type":"start","time":2,"resumed_step":1})", metric_line(2, "loss", "1")});
  (void)said({.format = "csv", .sweep = "again", .output = "out"});
  const auto metrics = read_file(folder_ / "out/metrics.csv");
  EXPECT_NE(metrics.find("loss,1,9,1,"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("loss,2,1,2,"), std::string::npos) << metrics;
  EXPECT_EQ(std::ranges::count(metrics, '\n'), 3) << metrics;
}

TEST_F(ExportTest, AnOlderDatabaseIsReadAsItIs) {
  const auto old = folder_ / "old/results.db";
  std::filesystem::create_directories(old.parent_path());
  {
    SQLite::Database db(old.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec(read_file(MVN_OLD_DATABASE));
  }
  SQLite::Database db(old.string(), SQLite::OPEN_READONLY);
  const auto sweep = db.execAndGet("SELECT name FROM mvn_sweep").getString();
  std::ostringstream out;
  export_sweep(old, {.format = "csv", .sweep = sweep, .output = folder_ / "out"}, out);
  EXPECT_GT(read_file(folder_ / "out/metrics.csv").size(), 50U);
}

// Somebody's database may hold anything.
TEST_F(ExportTest, WhatIsNoMapIsRefused) {
  SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
  for (const auto* column : {"parameters", "config"}) {
    db.exec(std::string("UPDATE mvn_trial SET ") + column + " = '[1]'");
    for (const auto& format : export_formats()) {
      if (format.name == "datasette") continue;  // reads none
      EXPECT_EQ(error({.format = format.name, .sweep = "demo", .output = format.name}),
                database().string() + ": column '" + column + "' holds no map");
      EXPECT_FALSE(std::filesystem::exists(folder_ / format.name));
    }
    db.exec(std::string("UPDATE mvn_trial SET ") + column + " = '{}'");
  }
}

TEST_F(ExportTest, DatasetteSaysWhatEveryViewIs) {
  ExportSource source(database(), "demo", false);
  std::set<std::string> views;
  for (const auto& [view, columns] : source.views()) {
    if (!view.starts_with("runs_")) views.insert(view);
  }
  std::set<std::string> described;
  for (const auto& view : described_views()) described.insert(std::string(view.name));
  EXPECT_EQ(views, described);
}

TEST_F(ExportTest, ListsItsFormats) {
  std::ostringstream text;
  list_export_formats(false, text);
  std::ostringstream json;
  list_export_formats(true, json);
  for (const auto& row : Json::parse(json.str())) {
    EXPECT_NE(text.str().find(row.at("format").get<std::string>()), std::string::npos);
  }
}

}  // namespace
}  // namespace mvn
