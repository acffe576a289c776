// The commands that keep results over the years: artifacts, gc, remove, db.
#include <gtest/gtest.h>

#include "common/files.h"
#include "common/json.h"
#include "e2e/harness.h"

namespace mvn::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Two stages, each trial of the second starting from one of the first, two scores.
constexpr auto* kStages = R"(name: demo
method: grid
metric: {name: eval/accuracy, goal: maximize}
model: {plugin: toy}
task: {plugin: play}
stages:
  first:
    parameters: {optimizer.lr: {values: [0.1, 0.01]}}
  second:
    model: {weights: {stage: first}}
    parameters: {optimizer.lr: {values: [0.1, 0.01]}, task.score: {values: [0.5, 0.7]}}
)";

class DatabaseCommands : public testing::Test {
 protected:
  void run_stages() {
    place_.write("sweep.yaml", kStages);
    const auto run = place_.run({"sweep.yaml"});
    ASSERT_EQ(run.end.exit_code, 0) << run.err;
  }
  // Output of a command that has to succeed.
  std::string output(const std::vector<std::string>& arguments) {
    const auto run = place_.run(arguments);
    EXPECT_EQ(run.end.exit_code, 0) << run.out << run.err;
    return run.out;
  }
  std::string error(const std::vector<std::string>& arguments) {
    const auto run = place_.run(arguments);
    EXPECT_NE(run.end.exit_code, 0) << run.out;
    return run.err;
  }

  Workplace place_;
};

TEST_F(DatabaseCommands, GcKeepsWhatIsNeededAndAsksFirst) {
  run_stages();
  const auto asked = output({"gc"});
  EXPECT_TRUE(contains(asked, "would remove 4 B of 4 trials; 2 B stay; add --yes to do it\n"))
      << asked;
  EXPECT_TRUE(contains(asked, "keep    is the best\n")) << asked;
  EXPECT_EQ(Json::parse(output({"artifacts", "--json"})).size(), 6U);
  EXPECT_EQ(place_.rows("SELECT count(*) FROM artifacts WHERE removed IS NOT NULL"),
            std::vector<std::string>{"0"});
  // --dry-run is a promise, whatever else is said.
  output({"gc", "--yes", "--dry-run"});
  const auto json = Json::parse(output({"gc", "demo", "--yes", "--json"}));
  EXPECT_TRUE(json["done"].get<bool>());
  EXPECT_EQ(json["removed"].size(), 4U);
  EXPECT_EQ(json["removed_bytes"], 4);
  int there = 0;
  for (const auto& each : Json::parse(output({"artifacts", "demo", "--json"}))) {
    const bool is_there = std::filesystem::exists(each["path"].get<std::string>());
    EXPECT_EQ(each["state"].get<std::string>(), is_there ? "there" : "removed");
    there += is_there ? 1 : 0;
  }
  EXPECT_EQ(there, 2);
  EXPECT_TRUE(contains(output({"gc", "--yes"}), "nothing to remove; 2 B stay\n"));
  EXPECT_EQ(output({"sweep.yaml"}).substr(0, 29), "nothing to do: 6 trials done\n");
  EXPECT_TRUE(contains(output({"db", "check"}), ": whole, and says what the spools say: "));
}

TEST_F(DatabaseCommands, ArtifactsSayWhereEachIsAndItsHash) {
  run_stages();
  const auto rows = Json::parse(output({"artifacts", "--hash", "--json"}));
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[0]["sha256"],
            "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9");  // of "0"
  EXPECT_TRUE(rows[0]["path"].get<std::string>().ends_with("/model/model.safetensors"));
  EXPECT_EQ(rows[0]["bytes"], 1);
  std::filesystem::remove_all(
      std::filesystem::path(rows[0]["path"].get<std::string>()).parent_path());
  EXPECT_TRUE(contains(output({"artifacts"}), "  missing  "));
  EXPECT_TRUE(contains(error({"artifacts", "dmo"}),
                       "no sweep of results/results.db is called "
                       "'dmo'; did you mean 'demo'?"));
}

TEST_F(DatabaseCommands, AnAdapterIsExportedWithItsModelCard) {
  place_.write("sweep.yaml", sweep_text("", "0.1"));
  output({"sweep.yaml"});
  const auto id = place_.rows("SELECT trial FROM trials").at(0);
  const auto model = "results/demo/" + id + "/model";
  EXPECT_EQ(error({"export", "peft", id, "out"}),
            "mvn-runner: trial " + id + " trained the whole model and has no adapter: " + model +
                " is the model, in Hugging Face's format\n");
  place_.write(model + "/adapter_config.json",
               R"({"base_model_name_or_path": "EleutherAI/gpt-neo-125m", "r": 8})");
  place_.write(model + "/adapter_model.safetensors", "weights");
  EXPECT_EQ(output({"export", "peft", id.substr(0, 6), "out/"}), "wrote out/\n");
  EXPECT_EQ(read_file(place_ / "out/adapter_model.safetensors"), "weights");
  EXPECT_EQ(read_file(place_ / "out/adapter_config.json"),
            read_file(place_ / (model + "/adapter_config.json")));
  const auto card = read_file(place_ / "out/README.md");
  EXPECT_TRUE(
      card.starts_with("---\nlibrary_name: peft\nbase_model: \"EleutherAI/gpt-neo-125m\"\n"
                       "---\n# Adapter of trial " +
                       id + "\n"))
      << card;
  EXPECT_TRUE(contains(card, "| `eval/accuracy` | 0.5 |\n")) << card;
  EXPECT_TRUE(contains(card, "\"lr\": 0.1")) << card;
  EXPECT_EQ(error({"export", "peft", id, "out"}),
            "mvn-runner: out exists already; choose another folder\n");
  EXPECT_FALSE(place_.has("out.tmp"));
}

// A base of random weights comes along, and the adapter names it where it then is.
TEST_F(DatabaseCommands, ABaseInTheModelsFolderIsExportedToo) {
  place_.write("sweep.yaml", sweep_text("", "0.1"));
  output({"sweep.yaml"});
  const auto id = place_.rows("SELECT trial FROM trials").at(0);
  const auto model = "results/demo/" + id + "/model";
  place_.write(model + "/base/model.safetensors", "base");
  const Json config = {{"base_model_name_or_path", (place_ / (model + "/base")).string()}};
  place_.write(model + "/adapter_config.json", config.dump());
  output({"export", "peft", id, "out"});
  EXPECT_EQ(read_file(place_ / "out/base/model.safetensors"), "base");
  EXPECT_EQ(Json::parse(read_file(place_ / "out/adapter_config.json"))["base_model_name_or_path"],
            (place_ / "out/base").string());
}

TEST_F(DatabaseCommands, ASweepIsRemovedWhenItIsMeant) {
  run_stages();
  const auto asked = output({"remove", "demo"});
  EXPECT_TRUE(asked.starts_with("would remove demo: 6 trials and ")) << asked;
  EXPECT_TRUE(place_.has("results/demo"));
  EXPECT_TRUE(output({"remove", "demo", "--yes"}).starts_with("removed demo: 6 trials and "));
  EXPECT_FALSE(place_.has("results/demo"));
  EXPECT_EQ(place_.rows("SELECT count(*) FROM trials"), std::vector<std::string>{"0"});
  EXPECT_TRUE(contains(error({"remove", "demo", "--yes"}), "is called 'demo'"));
  EXPECT_TRUE(contains(output({"sweep.yaml"}), "demo: 6 of 6 trials done"));
}

TEST_F(DatabaseCommands, WhatWritesIsRefusedWhileARunnerWorks) {
  Fifo holding(place_ / "holding");
  Fifo proceed(place_ / "proceed");
  place_.write("sweep.yaml", sweep_text("hold_at: 2, holding: holding, proceed: proceed", "0.1"));
  auto run = place_.start({"sweep.yaml"});
  holding.line();
  std::filesystem::create_directories(place_ / "other");
  output({"db", "backup", "other/results.db"});
  for (const auto& command : std::vector<std::vector<std::string>>{{"gc", "--yes"},
                                                                   {"remove", "demo", "--yes"},
                                                                   {"db", "vacuum"},
                                                                   {"db", "merge", "other"}}) {
    EXPECT_TRUE(contains(error(command), "results is in use by another mvn-runner, process " +
                                             std::to_string(run.pid()) + " on "))
        << command[0];
  }
  EXPECT_TRUE(contains(error({"--results", "fresh", "db", "merge", "results"}),
                       "results is in use by another mvn-runner"));
  EXPECT_TRUE(contains(output({"db", "check"}), ": whole"));
  EXPECT_TRUE(contains(output({"gc"}), "nothing to remove"));
  EXPECT_TRUE(contains(output({"remove", "demo"}), "would remove demo: 1 trial"));
  proceed.release(1);
  EXPECT_EQ(run.finish().end.exit_code, 0);
}

TEST_F(DatabaseCommands, TwoMachinesResultsBecomeOne) {
  place_.write("sweep.yaml", sweep_text("", "0.1", "repeats: {seeds: [0, 1]}\n"));
  output({"sweep.yaml"});
  output({"--results", "there", "sweep.yaml", "repeats={seeds: [1, 2]}"});
  const auto asked = Json::parse(output({"db", "merge", "there", "--dry-run", "--json"}));
  EXPECT_FALSE(asked["done"].get<bool>());
  EXPECT_EQ(asked["added"], 1);
  EXPECT_EQ(place_.rows("SELECT count(*) FROM trials"), std::vector<std::string>{"2"});
  const auto done = output({"db", "merge", "there"});
  EXPECT_TRUE(contains(done, "added 1 trial, replaced 0 that came further there, kept 1; "))
      << done;
  EXPECT_EQ(place_.rows("SELECT seed, state FROM trials ORDER BY seed"),
            (std::vector<std::string>{"0|done", "1|done", "2|done"}));
  EXPECT_TRUE(contains(output({"db", "check"}), "1 sweep, 3 trials, 3 attempts"));
  output({"collect", "--rebuild", "--json"});
  EXPECT_EQ(place_.rows("SELECT n FROM group_stats"), std::vector<std::string>{"3"});
  EXPECT_EQ(output({"sweep.yaml", "repeats={seeds: [0, 1, 2]}"}).substr(0, 29),
            "nothing to do: 3 trials done\n");
}

TEST_F(DatabaseCommands, CheckFindsWhatIsNotAsTheSpoolsSay) {
  place_.write("sweep.yaml", sweep_text("", "0.1"));
  output({"sweep.yaml"});
  const auto id = place_.rows("SELECT trial FROM trials").at(0);
  const auto spool = place_ / ("results/demo/" + id + "/attempts/1/spool.jsonl");
  auto text = read_file(spool);
  text.replace(text.find("0.5"), 3, "0.9");
  place_.write("results/demo/" + id + "/attempts/1/spool.jsonl", text);
  const auto run = place_.run({"db", "check"});
  EXPECT_EQ(run.end.exit_code, 1);
  EXPECT_TRUE(contains(run.out, "FAULT demo/" + id + ": its spools have ")) << run.out;
  EXPECT_TRUE(contains(run.out, "; make the database anew with 'mvn-runner collect --rebuild'\n"));
  EXPECT_TRUE(contains(run.out, "results/results.db: NOT whole: 1 sweep, 1 trial"));
  const auto json = place_.run({"db", "check", "--json"});
  EXPECT_EQ(json.end.exit_code, 1);
  EXPECT_FALSE(Json::parse(json.out)["whole"].get<bool>());
  output({"collect", "--rebuild"});
  EXPECT_TRUE(contains(output({"db", "check"}), ": whole"));
}

TEST_F(DatabaseCommands, AloneItSaysHowTheResultsStand) {
  place_.write("sweep.yaml", sweep_text("", "0.1, 0.2"));
  output({"sweep.yaml"});
  const auto alone = output({});
  EXPECT_TRUE(contains(alone, "\ndemo               2     2  ")) << alone;
  EXPECT_TRUE(
      alone.ends_with("no runner is at work here\n"
                      "(mvn-runner --help lists what it can be asked)\n"))
      << alone;
  EXPECT_EQ(output({"status"}) + "(mvn-runner --help lists what it can be asked)\n", alone);
  const auto json = Json::parse(output({"status", "--json"}));
  EXPECT_EQ(json["sweeps"][0]["done"], 2);
  EXPECT_EQ(json["running"], Json::array());
}

TEST_F(DatabaseCommands, ReadyQueriesAreAskedByName) {
  place_.write("sweep.yaml", sweep_text("", "0.1, 0.2"));
  output({"sweep.yaml"});
  const auto best =
      Json::parse(output({"query", "best-per-stage", "--param", "sweep=demo", "--json"}));
  EXPECT_EQ(best[0]["mean"], 0.5);
  EXPECT_EQ(output({"query", "best-per-stage", "--param", "sweep=none", "--format", "csv"}),
            "sweep,stage,params,n,mean,low,high,metric,goal,missing\n");
  EXPECT_TRUE(contains(output({"query"}), "\nwhat-failed             What failed, "));
  EXPECT_EQ(error({"query", "best-per-stage", "--param", "swep=demo"}),
            "mvn-runner: the query has no parameter ':swep'; did you mean 'sweep'? (known: "
            "sweep)\n");
  EXPECT_EQ(error({"query", "best-per-stage", "--param", "demo"}),
            "mvn-runner: --param takes NAME=VALUE, as in --param sweep=demo, not 'demo'\n");
}

}  // namespace
}  // namespace mvn::test
