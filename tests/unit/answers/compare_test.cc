#include "orchestrate/answers/compare.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "common/json.h"
#include "common/trial.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/predictions.h"
#include "store/fixture.h"

namespace mvn {
namespace {

using Values = std::vector<std::string>;

class CompareTest : public StoreTest {
 protected:
  CompareTest() : store_(database()) {}

  // A trial for each value of its parameters, with seeds from 0. A value "failed" or "stopped" is
  // the trial's end; "eval test" are two values.
  void add(const Json& parameters, const Values& values, const std::string& stage = "") {
    for (std::size_t seed = 0; seed < values.size(); ++seed) {
      std::ostringstream id;
      id << std::hex << 0xa00 + trials_.size();
      trials_.push_back(planned(id.str(), parameters, static_cast<std::int64_t>(seed), stage));
      values_.push_back(values[seed]);
    }
  }

  void store() {
    store_.record_plan(plan_of("s", trials_));
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      std::istringstream words(values_[i]);
      const Values found{std::istream_iterator<std::string>(words), {}};
      Values lines;
      AttemptEnd end;
      if (found.front() == "failed") {
        end = {TrialState::kFailed, 1, {}, "exit code 1", ""};
      } else if (found.front() == "stopped") {
        end.state = TrialState::kStopped;
        lines = {metric_line(1, "eval/accuracy", "0.99")};
      } else {
        lines = {metric_line(1, "eval/accuracy", found[0]), metric_line(1, "eval/examples", "500")};
        if (found.size() > 1) lines.push_back(metric_line(1, "test/accuracy", found[1]));
      }
      run_trial(store_, "s", trials_[i].id, lines, end);
    }
  }

  [[nodiscard]] std::string compare(const CompareRequest& request,
                                    CompareFormat format = CompareFormat::kTable) const {
    std::ostringstream out;
    compare_arms(database(), request, format, out);
    return out.str();
  }
  [[nodiscard]] std::string by_model() const {
    return compare({.sweep = "s", .by = "model.plugin"});
  }
  [[nodiscard]] std::string refusal(const CompareRequest& request) const {
    return error_of([&] { return compare(request); });
  }

  Store store_;
  std::vector<PlannedTrial> trials_;
  Values values_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Json model(const std::string& plugin) {
  return {{"model.plugin", plugin}, {"model.weights", "models/" + plugin}};
}

Json with(Json parameters, const std::string& key, const Json& value) {
  parameters[key] = value;
  return parameters;
}

const Values kHigh = {"0.80", "0.81", "0.82", "0.80", "0.81"};
const Values kLow = {"0.70", "0.71", "0.72", "0.70", "0.71"};

TEST_F(CompareTest, SaysWhichIsBetterByHowMuchHowSure) {
  add(model("mamba"), kHigh);
  add(model("gptneo"), kLow);
  store();
  EXPECT_EQ(
      by_model(),
      "s: eval/accuracy by model.plugin (higher is better)\n"
      "\n"
      "model.plugin  n       mean    sd\n"
      "------------  ------  ------  --------\n"
      "mamba         5 of 5  0.8080  ± 0.0084\n"
      "gptneo        5 of 5  0.7080  ± 0.0084\n"
      "\n"
      "arms            difference  95 % interval     p        exact p  P(first is better)   g      "
      "better\n"
      "--------------  ----------  ----------------  -------  -------  -------------------  -----  "
      "------\n"
      "mamba - gptneo  0.1000      0.0878 .. 0.1122  < 0.001  0.008    1.00 (0.64 .. 1.00)  10.79  "
      "mamba\n"
      "\n"
      "mamba is better than gptneo: eval/accuracy 0.8080 against 0.7080, a difference of 0.1000"
      " (95 % interval 0.0878 .. 0.1122, 5 seeds each).\n"
      "\n"
      "- What the seeds repeat: the training from one checkpoint each (models/gptneo,"
      " models/mamba). The verdict is about these checkpoints: of architectures, of which each is"
      " one pretraining, the seeds say nothing.\n"
      "- The arms differ in model.weights too; the verdict is about all of it together.\n"
      "- Interval and p are Welch's; exact p is that of the permutation test (all arrangements"
      " counted), and both must be below 0.05; g is Hedges'; within 0.01 on either side of 0"
      " (--rope) arms are equivalent.\n");
}

TEST_F(CompareTest, EachArmsBestIsChosenOnValidationAndJudgedOnTest) {
  add(with(model("mamba"), "optimizer.lr", 1), {"0.70 0.90", "0.71 0.91", "0.72 0.92"});
  add(with(model("mamba"), "optimizer.lr", 2), {"0.80 0.60", "0.81 0.61", "0.82 0.62"});
  add(with(model("gptneo"), "optimizer.lr", 1), {"0.75 0.50", "0.76 0.51", "0.77 0.52"});
  store();
  const auto text = by_model();
  EXPECT_TRUE(has(text,
                  "s: test/accuracy by model.plugin (higher is better), each arm's best"
                  " configuration by eval/accuracy\n"))
      << text;
  EXPECT_TRUE(has(text,
                  "mamba         3 of 3  0.610  ± 0.010  2          lr=2\n"
                  "gptneo        3 of 3  0.510  ± 0.010  1          lr=1\n"))
      << text;
  EXPECT_TRUE(has(text,
                  "- Not equally many configurations were tried (mamba 2, gptneo 1): the best"
                  " of more is better by chance alone.\n"))
      << text;
  EXPECT_FALSE(has(text, "chosen by the same")) << text;
}

TEST_F(CompareTest, SaysThatChoosingByWhatJudgesFlatters) {
  add(with(model("mamba"), "optimizer.lr", 1), kHigh);
  add(with(model("mamba"), "optimizer.lr", 2), kLow);
  add(with(model("gptneo"), "optimizer.lr", 1), kLow);
  add(with(model("gptneo"), "optimizer.lr", 2), kLow);
  store();
  EXPECT_TRUE(has(by_model(),
                  "- Each arm's configuration was chosen by the same eval/accuracy that"
                  " it is judged by, which flatters all of them; a test split would"
                  " not.\n"))
      << by_model();
}

TEST_F(CompareTest, CountsWhatFailedAndLeavesOutWhatWasStopped) {
  add(model("mamba"), {"0.80", "0.81", "failed", "0.83", "NaN"});
  add(model("gptneo"), {"0.70", "0.71", "0.72", "stopped"});
  store();
  const auto text = by_model();
  EXPECT_TRUE(has(text, "mamba         3 of 5  ")) << text;
  EXPECT_TRUE(has(text, "gptneo        3 of 3  0.710  ")) << text;
  EXPECT_TRUE(has(text,
                  "- 1 of 5 trials of mamba failed.\n"
                  "- 1 of 5 trials of mamba gave no finite eval/accuracy.\n"
                  "- Stopped early and left out: 1 trial of gptneo.\n"
                  "- Trials seldom fail by chance: the mean of those that are left may"
                  " flatter the arm.\n"))
      << text;
}

TEST_F(CompareTest, DataSetsAreJudgedApart) {
  const auto on = [](const std::string& plugin, const std::string& data) {
    Json parameters = model(plugin);
    parameters["task.train"] = "data/" + data + "/train.tsv";
    parameters["task.validation"] = "data/" + data + "/dev.tsv";
    return parameters;
  };
  for (const std::string data : {"sst2", "trec"}) {
    add(on("mamba", data), data == "sst2" ? kHigh : kLow);
    add(on("gptneo", data), kLow);
  }
  store();
  const auto text = by_model();
  EXPECT_TRUE(has(text,
                  "\nmamba is better than gptneo on 1 of 2 data sets (train=sst2), worse on"
                  " none.\n"))
      << text;
  EXPECT_TRUE(has(text, "; Holm's p is the larger one among 2 questions, and decides;")) << text;
  EXPECT_FALSE(has(text, "chosen of")) << text;
}

TEST_F(CompareTest, StagesAreDataSetsOfTheirOwn) {
  add({{"model.weights", "x"}}, {"0.5"}, "pretrain");
  for (const std::string stage : {"sst2", "trec"}) {
    add(model("mamba"), kHigh, stage);
    add(model("gptneo"), kLow, stage);
  }
  store();
  const auto text = by_model();
  EXPECT_TRUE(has(text,
                  "\nmamba is better than gptneo on 2 of 2 data sets (sst2, trec), worse on"
                  " none.\n"))
      << text;
  EXPECT_TRUE(has(text, "- Stage pretrain has one model.plugin alone and is left out.\n")) << text;
}

TEST_F(CompareTest, ParametersCanBeDataSetsToo) {
  for (const int length : {64, 128}) {
    add(with(model("mamba"), "training.max_length", length), kHigh);
    add(with(model("gptneo"), "training.max_length", length), kLow);
  }
  store();
  EXPECT_TRUE(has(compare({.sweep = "s", .by = "model.plugin", .within = {"training.max_length"}}),
                  "\nmamba is better than gptneo on 2 of 2 data sets (max_length=64,"
                  " max_length=128), worse on none.\n"));
}

TEST_F(CompareTest, SeedsArePairsWhereTheyShareTheirStart) {
  add(with(model("mamba"), "optimizer.lr", 0.25), {"0.50", "0.60", "0.70", "0.80"});
  add(with(model("mamba"), "optimizer.lr", 0.5), {"0.51", "0.614", "0.708", "0.81"});
  store();
  const auto text = compare({.sweep = "s", .by = "optimizer.lr", .baseline = "0.25"});
  EXPECT_TRUE(has(text,
                  "\n0.5 is better than 0.25: eval/accuracy 0.661 against 0.650, a difference"
                  " of 0.011 (95 % interval 0.006 .. 0.015, 4 pairs of seeds, correlation"
                  " 1.00). On 500 texts this is a difference of 5.3 texts: of other texts it"
                  " says nothing.\n"))
      << text;
  EXPECT_TRUE(has(text,
                  "- What the seeds repeat: the training from one checkpoint (models/mamba)."
                  " The verdict is about this checkpoint, and not about others of its"
                  " architecture.\n"))
      << text;
  EXPECT_TRUE(has(text, "- Interval and p are of pairs that share seed and start; g is Hedges'"))
      << text;
}

TEST_F(CompareTest, ModelsAreComparedTextByTextWhereTheirPredictionsAreKept) {
  add(model("mamba"), kHigh);
  add(model("gptneo"), kLow);
  store();
  const auto keep = [&](const std::string& trial, const std::vector<int>& predicted, int label) {
    std::string lines;
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      lines += Json{{"example", i}, {"label", label}, {"predicted", predicted[i]}}.dump() + "\n";
    }
    const auto paths = trial_paths(results_, "s", id_of(trial));
    std::ofstream(paths.predictions()) << lines;
    Database db(database(), Access::kWrite);
    const auto row = db.known_integer("SELECT id FROM mvn_trial WHERE hash = ?", id_of(trial));
    EXPECT_EQ(store_predictions(db, row, "predictions", paths.folder), "");
  };
  keep("a00", {1, 1, 1, 1, 1, 1, 1, 0, 0, 1}, 1);
  EXPECT_FALSE(has(by_model(), "Text by text"));
  keep("a05", {0, 0, 0, 0, 0, 0, 0, 1, 0, 1}, 1);
  EXPECT_TRUE(has(by_model(),
                  "- Text by text, of 10 texts, the models of seed 0: mamba alone is right on"
                  " 7, gptneo alone on 1; McNemar's exact p is 0.070, its mid-p 0.039. This is"
                  " about these two models on other texts, not about other seeds.\n"))
      << by_model();
  keep("a05", {0, 0, 0, 1, 1, 1, 1, 0, 0, 1}, 1);
  EXPECT_TRUE(has(by_model(),
                  "mamba alone is right on 3, gptneo alone on 0: too few to tell the"
                  " two models apart.\n"));
  // With several models of either arm, all of them count.
  keep("a01", {1, 1, 1, 1, 1, 1, 1, 0, 0, 1}, 1);
  keep("a06", {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 1);
  EXPECT_TRUE(has(by_model(),
                  "- Text by text, of 10 texts, 2 models of mamba and 2 of gptneo: mamba is right"
                  " about 0.500 of the texts more (0.100 .. 0.900"))
      << by_model();
  EXPECT_TRUE(has(by_model(),
                  " over seeds and texts, by bootstrap); exchanging the arms text by"
                  " text gives p = 0.016. This is about these models on other"
                  " texts.\n"))
      << by_model();
  // Other texts.
  keep("a05", {0, 0, 0, 0, 0, 0, 0, 1, 0, 1}, 0);
  EXPECT_FALSE(has(by_model(), "Text by text"));
}

TEST_F(CompareTest, ThreeArmsAreAskedTogether) {
  for (const std::string stage : {"a", "b", "c", "d"}) {
    add(model("mamba"), {"0.80", "0.81", "0.82"}, stage);
    add(model("gptneo"), {"0.70", "0.71", "0.72"}, stage);
    add(model("mistral"), {"0.60", "0.61", "0.62"}, stage);
  }
  store();
  const auto text = by_model();
  EXPECT_TRUE(has(text,
                  "\nOver 4 data sets the mean ranks are mamba 1.00, gptneo 2.00, mistral"
                  " 3.00: Friedman's test says that some differ (chi squared 8.00, p ="
                  " 0.018).\n"))
      << text;
  EXPECT_TRUE(has(text,
                  "\nmean rank  1                       2                       3\n"
                  "           +-----------------------+-----------------------+\n"
                  "mamba      * 1.00\n"
                  "gptneo                             * 2.00\n"
                  "mistral                                                    * 3.00\n"
                  "           =========================\n"
                  "                                   =========================\n"
                  "           critical difference 1.66 (Nemenyi); === joins what is within\n"))
      << text;
  EXPECT_TRUE(has(text,
                  "\ngptneo is better than mistral on 4 of 4 data sets (a, b, c, d), worse on"
                  " none.\n"))
      << text;
  const auto based = compare({.sweep = "s", .by = "model.plugin", .baseline = "gptneo"});
  EXPECT_TRUE(has(based, "\nmistral is worse than gptneo on 4 of 4 data sets")) << based;
  EXPECT_FALSE(has(based, "mamba - mistral")) << based;
}

TEST_F(CompareTest, OneStageAlone) {
  for (const std::string stage : {"tune", "final"}) {
    add(model("mamba"), kHigh, stage);
    add(model("gptneo"), kLow, stage);
  }
  add(model("mistral"), kLow, "baseline");
  store();
  const auto text = compare({.sweep = "s", .by = "model.plugin", .stages = {"final"}});
  EXPECT_TRUE(has(text, "\nmamba is better than gptneo")) << text;
  EXPECT_FALSE(has(text, "tune")) << text;
  EXPECT_FALSE(has(text, "baseline")) << text;
  EXPECT_EQ(
      refusal({.sweep = "s", .by = "model.plugin", .stages = {"finale"}}),
      "sweep 's' has no stage 'finale'; did you mean 'final'? (known: tune, final, baseline)");
}

TEST_F(CompareTest, OtherFormatsSayTheSame) {
  add(model("mamba"), kHigh);
  add(model("gptneo"), kLow);
  store();
  const CompareRequest request = {.sweep = "s", .by = "model"};
  EXPECT_TRUE(has(compare(request, CompareFormat::kMarkdown),
                  "\n| model.plugin | n | mean | sd |\n|---|---|---|---|\n"
                  "| mamba | 5 of 5 | 0.8080 | ± 0.0084 |\n"));
  EXPECT_TRUE(has(compare(request, CompareFormat::kLatex),
                  "\\begin{tabular}{llll}\n\\toprule\nmodel.plugin & n & mean & sd \\\\\n"
                  "\\midrule\nmamba & 5 of 5 & 0.8080 & $\\pm$ 0.0084 \\\\\n"));
  const auto json = parse_json(compare(request, CompareFormat::kJson), "compare");
  EXPECT_EQ(json["by"], "model.plugin");
  const auto& part = json["comparisons"][0];
  EXPECT_EQ(part["pairs"][0]["verdict"], "better");
  EXPECT_EQ(part["pairs"][0]["sets"][0]["difference"]["degrees_of_freedom"], 8);
  EXPECT_EQ(part["sets"][0]["texts"], 500);
  EXPECT_EQ(part["sets"][0]["arms"][1]["values"][4], (Json{{"seed", 4}, {"value", 0.71}}));
}

TEST_F(CompareTest, SaysWhatCannotBeCompared) {
  add(with(model("mamba"), "optimizer.lr", 1), kHigh);
  add(with(model("gptneo"), "optimizer.lr", 1), {"failed", "failed"});
  store();
  EXPECT_EQ(refusal({.sweep = "t", .by = "model.plugin"}),
            database().string() + ": no sweep is called 't'; did you mean 's'? (known: s)");
  EXPECT_EQ(refusal({.sweep = "s", .by = "model.plugn"}),
            "no parameter of sweep 's' is called 'model.plugn'; did you mean 'model.plugin'?");
  EXPECT_EQ(refusal({.sweep = "s", .by = "lr"}),
            "no parameter of sweep 's' is called 'lr'; did you mean 'optimizer.lr'?");
  EXPECT_EQ(refusal({.sweep = "s", .by = "seed"}),
            "seeds are what a comparison rests on; compare by another parameter");
  EXPECT_EQ(refusal({.sweep = "s", .by = "optimizer.lr"}),
            "only one arm: all trials of sweep 's' have optimizer.lr 1; what varies is"
            " model.plugin, model.weights");
  EXPECT_EQ(refusal({.sweep = "s", .by = "model.plugin", .baseline = "mamb"}),
            "no model.plugin of sweep 's' is 'mamb'; did you mean 'mamba'? (known: mamba, gptneo)");
  EXPECT_EQ(refusal({.sweep = "s", .by = "model.plugin", .metric = "eval/acuracy"}),
            "no trial of sweep 's' reported a metric 'eval/acuracy'; did you mean"
            " 'eval/accuracy'? (known: eval/accuracy, eval/examples)");
  EXPECT_EQ(refusal({.sweep = "s", .by = "model.plugin", .metric = "eval/examples"}),
            "eval/examples is a count: neither more nor less of it is better; name a score or a"
            " loss");
  EXPECT_EQ(refusal({.sweep = "s", .by = "model.plugin"}),
            "arm 'gptneo' of model.plugin has no result: none of its trials (2 failed) is done with"
            " a finite eval/accuracy");
  EXPECT_EQ(error_of([] { compare_format("tabel"); }),
            "unknown format 'tabel'; did you mean 'table'? (known: table, json, markdown, latex)");
}

TEST_F(CompareTest, FindsASweepByItsFile) {
  add(model("mamba"), kHigh);
  add(model("gptneo"), kLow);
  store();
  EXPECT_EQ(compare({.sweep = "/sweeps/s.yaml", .by = "model.plugin"}), by_model());
}

// As an earlier version wrote it, without the view that knows what a metric is.
TEST(CompareOldResults, AreReadAsTheyAre) {
  const test::TemporaryFolder folder;
  const auto file = folder / "results.db";
  {
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    std::ifstream in(MVN_OLD_DATABASE);
    db.exec(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::ostringstream out;
  compare_arms(file, {.sweep = "lr", .by = "optimizer.lr"}, CompareFormat::kTable, out);
  EXPECT_TRUE(out.str().starts_with("lr: eval/accuracy by optimizer.lr (higher is better)\n"))
      << out.str();
  EXPECT_TRUE(has(out.str(), "\nCannot tell 0.001 from 0.01: ")) << out.str();
}

TEST(CompareWithoutResults, SaysThatThereIsNoDatabase) {
  std::ostringstream out;
  EXPECT_EQ(error_of([&] {
              compare_arms("/nowhere/results.db", {.sweep = "s", .by = "x"}, CompareFormat::kTable,
                           out);
            }),
            "/nowhere/results.db: no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or"
            " name its folder with --results");
}

}  // namespace
}  // namespace mvn
