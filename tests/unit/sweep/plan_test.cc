#include "orchestrate/sweep/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/hashing.h"
#include "description.h"
#include "orchestrate/sweep/locate.h"
#include "orchestrate/sweep/problems.h"

namespace mvn {
namespace {

using sweep_test::Folder;
using sweep_test::installed;
using sweep_test::plan_text;

const std::string kBase = R"(
model: {plugin: mamba, weights: models/mamba}
task: {plugin: classification, train: a.tsv, validation: b.tsv, text: sentence, label: label}
)";

// The swept values of every trial, one line each.
std::string values(const SweepPlan& plan) {
  std::string text;
  for (const auto& trial : plan.trials) {
    text += (text.empty() ? "" : "\n") + canonical_json(trial.parameters);
  }
  return text;
}

std::string error_of(const std::string& text, const PlanOptions& options = {}) {
  const Folder folder;
  try {
    plan_sweep(folder.write("sweep.yaml", text), installed(), options);
  } catch (const SweepErrors& errors) {
    std::string all;
    for (const Problem& problem : errors.problems()) {
      const auto name = problem.where.file.filename().string();
      all += (all.empty() ? "" : "\n") + name + ":" + std::to_string(problem.where.line) + ":" +
             std::to_string(problem.where.column) + ": " + problem.message;
    }
    return all;
  }
  return "planned";
}

PlanOptions with_overrides(std::vector<std::string> overrides) {
  PlanOptions options;
  options.overrides = std::move(overrides);
  return options;
}

TEST(Plan, OneTrialWithoutAxes) {
  const auto plan = plan_text(kBase);
  ASSERT_EQ(1U, plan.trials.size());
  EXPECT_EQ("sweep", plan.name);
  EXPECT_EQ(R"({"adapter":{"plugin":"none"},"model":{"plugin":"mamba","weights":"models/mamba"},)"
            R"("seed":0,"task":{"label":"label","plugin":"classification","text":"sentence",)"
            R"("train":"a.tsv","validation":"b.tsv"}})",
            canonical_json(plan.trials[0].config));
  EXPECT_EQ(sha256(canonical_json(plan.trials[0].config)), plan.trials[0].id);
  EXPECT_EQ("{}", canonical_json(plan.trials[0].parameters));
  EXPECT_EQ("eval/loss", plan.metrics.at("").name);
  EXPECT_FALSE(plan.metrics.at("").maximize);
}

TEST(Plan, GridTurnsTheLastAxisFastestAndSeedsFastestOfAll) {
  const auto plan = plan_text(kBase + R"(
parameters:
  optimizer.lr: {values: [1e-4, 1e-3]}
  adapter.r: {values: [4, 8]}
adapter: {plugin: lora}
repeats: {seeds: [0, 1]}
)");
  ASSERT_EQ(8U, plan.trials.size());
  EXPECT_EQ(R"({"adapter.r":4,"optimizer.lr":0.0001})", canonical_json(plan.trials[0].parameters));
  EXPECT_EQ(1, plan.trials[1].seed);
  EXPECT_EQ(R"({"adapter.r":8,"optimizer.lr":0.0001})", canonical_json(plan.trials[2].parameters));
  EXPECT_EQ(plan.trials[0].group, plan.trials[1].group);
  EXPECT_NE(plan.trials[0].id, plan.trials[1].id);
  EXPECT_NE(plan.trials[0].group, plan.trials[2].group);
}

TEST(Plan, TypesComeFromTheSchema) {
  const auto plan = plan_text(R"(
model: {plugin: mamba, config: {d_model: 64, eps: 1e-5, tied: true, name: no, nothing: null}}
adapter: {plugin: lora, r: "16", lora_alpha: 32, use_rslora: True, target_modules: in_proj}
task: {plugin: classification, train: ./x/../a.tsv, validation: b.tsv, text: 1e3, label: no,
       columns: label, max_examples: 1e3}
)");
  EXPECT_EQ(R"({"adapter":{"lora_alpha":32.0,"plugin":"lora","r":16,"target_modules":"in_proj",)"
            R"("use_rslora":true},"model":{"config":{"d_model":64,"eps":1e-05,"name":"no",)"
            R"("nothing":null,"tied":true},"plugin":"mamba"},"seed":0,"task":{"columns":["label"],)"
            R"("label":"no","max_examples":1000,"plugin":"classification","text":"1e3",)"
            R"("train":"a.tsv","validation":"b.tsv"}})",
            canonical_json(plan.trials[0].config));
}

TEST(Plan, EachTrialIsCheckedAgainstItsOwnPlugin) {
  EXPECT_EQ(R"({"model.attention_dropout":null,"model.plugin":"mamba"})"
            "\n"
            R"({"model.attention_dropout":0.1,"model.plugin":"gptneo"})",
            values(plan_text(kBase + "zip: [{model.plugin: [mamba, gptneo], "
                                     "model.attention_dropout: [null, 0.1]}]")));
  EXPECT_EQ(
      "sweep.yaml:4:55: model.attention_dropout: unknown parameter of model 'mamba' "
      "(plugin /plugins/mamba.so) (known: weights, config, tokenizer, scan)",
      error_of(kBase + "parameters: {model.plugin: {values: [mamba, gptneo]}, "
                       "model.attention_dropout: {values: [0.1]}}"));
}

TEST(Plan, StagesStartFromEachOther) {
  const auto plan = plan_text(R"(
parameters: {model.plugin: {values: [mamba, gptneo]}}
repeats: {seeds: [0, 1]}
stages:
  classify:
    model: {weights: {stage: pretrain}}
    adapter: {plugin: lora}
    task: {plugin: classification, train: a.tsv, validation: b.tsv, text: s, label: l}
    parameters: {adapter.r: {values: [4, 8]}}
  pretrain:
    model: {config: {d_model: 8}, tokenizer: tok}
    task: {plugin: pretraining, train: a.txt, validation: b.txt}
)");
  ASSERT_EQ(12U, plan.trials.size());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ("pretrain", plan.trials[i].stage);
  for (std::size_t i = 4; i < 12; ++i) {
    const auto& trial = plan.trials[i];
    EXPECT_EQ("classify", trial.stage);
    ASSERT_EQ(1U, trial.depends_on.size());
    const auto& upstream =
        *std::find_if(plan.trials.begin(), plan.trials.end(),
                      [&](const PlannedTrial& each) { return each.id == trial.depends_on[0]; });
    EXPECT_EQ(upstream.seed, trial.seed);
    EXPECT_EQ(upstream.config["model"]["plugin"], trial.config["model"]["plugin"]);
    EXPECT_EQ(upstream.id, trial.config["model"]["weights"]["trial"]);
  }
  // Trials that differ in their own seed and their upstream's alone are one group.
  EXPECT_EQ(plan.trials[4].group, plan.trials[5].group);
  EXPECT_NE(plan.trials[4].group, plan.trials[6].group);
}

// In one layer both are given, and what ends first counts; in a higher one either takes the other's
// place.
TEST(Plan, ALengthInEpochsAndInStepsMayBeGivenTogether) {
  const auto training = [](const std::string& text, const std::vector<std::string>& overrides) {
    const auto plan = plan_text(kBase + text, with_overrides(overrides));
    return canonical_json(plan.trials[0].config["training"]);
  };
  const std::string both = "training: {epochs: 3, steps: 10}\n";
  EXPECT_EQ(R"({"epochs":3.0,"steps":10})", training(both, {}));
  EXPECT_EQ(R"({"epochs":1.0})", training(both, {"training.epochs=1"}));
  EXPECT_EQ(R"({"steps":5})", training(both, {"training.steps=5"}));
  EXPECT_EQ(R"({"epochs":1.0,"steps":5})", training(both, {"training={epochs: 1, steps: 5}"}));
}

TEST(Plan, OverridesWinOverEverything) {
  const auto plan = plan_text(kBase + R"(
training: {epochs: 3}
parameters: {optimizer.lr: {values: [1e-4, 1e-3]}}
repeats: {seeds: [0, 1]}
)",
                              with_overrides({"optimizer.lr=1e-2", "training.steps=10",
                                              "repeats.seeds=[7]", "task.train=c.tsv"}));
  ASSERT_EQ(1U, plan.trials.size());
  const Json& config = plan.trials[0].config;
  EXPECT_EQ(R"({"lr":0.01})", canonical_json(config["optimizer"]));
  EXPECT_EQ(R"({"steps":10})", canonical_json(config["training"]));
  EXPECT_EQ(7, plan.trials[0].seed);
  EXPECT_EQ((std::filesystem::current_path() / "c.tsv").string(),
            config["task"]["train"].get<std::string>());
}

TEST(Plan, TenThousandTrials) {
  const auto plan = plan_text(kBase + R"(
adapter: {plugin: lora}
parameters:
  optimizer.lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-3, count: 100}
  adapter.r: {min: 1, max: 100}
)");
  EXPECT_EQ(10000U, plan.trials.size());
  std::string listed = kBase + "method: list\ntrials:\n";
  for (int i = 0; i < 10000; ++i) {
    listed += "  - {optimizer.lr: 1e-3, seed: " + std::to_string(i) + "}\n";
  }
  EXPECT_EQ(10000U, plan_text(listed).trials.size());
}

TEST(Plan, GridPointsOfRanges) {
  const auto points = [](const std::string& axis) {
    const auto plan = plan_text(kBase + "parameters: {optimizer.lr: " + axis + "}");
    std::string text;
    for (const auto& trial : plan.trials) {
      text += (text.empty() ? "" : " ") + canonical_json(trial.parameters.at("optimizer.lr"));
    }
    return text;
  };
  EXPECT_EQ("1e-05 0.0001 0.001 0.01",
            points("{distribution: log_uniform_values, min: 1e-5, max: 1e-2, count: 4}"));
  EXPECT_EQ("0.0 0.1 0.2 0.3", points("{min: 0.0, max: 0.3, count: 4}"));
  EXPECT_EQ("0.0 0.1 0.2 0.3", points("{min: 0, max: 0.3, q: 0.1}"));
  EXPECT_EQ("0.0 0.3 0.6 0.9", points("{min: 0, max: 1, q: 0.3}"));
  EXPECT_EQ("2.0 3.0 4.0 5.0", points("{min: 2, max: 5}"));
  EXPECT_EQ("1.0 4.0 7.0 10.0", points("{min: 1, max: 10, count: 4}"));
}

TEST(Plan, AConstantIsNoAxis) {
  const auto plan = plan_text(kBase + R"(
parameters:
  optimizer.lr: {value: 7}
  optimizer.beta2: {distribution: constant, value: 0.5}
)");
  ASSERT_EQ(1U, plan.trials.size());
  EXPECT_EQ("{}", canonical_json(plan.trials[0].parameters));
  EXPECT_EQ(R"({"beta2":0.5,"lr":7.0})", canonical_json(plan.trials[0].config["optimizer"]));
}

TEST(Plan, WarnsOfConditionsThatNothingMeets) {
  const auto plan = plan_text(kBase +
                              "exclude: [seed == 7, \"optimizer.lr > 1\"]\n"
                              "parameters: {optimizer.lr: {values: [1, 2]}}");
  EXPECT_EQ(1U, plan.trials.size());
  EXPECT_EQ((std::vector<std::string>{"exclude: no trial meets the condition \"seed == 7\""}),
            plan.warnings);
}

TEST(Priority, RanksByTheFirstConditionThatHolds) {
  const auto plan = plan_text(kBase +
                              "priority: [optimizer.lr == 2, \"optimizer.lr > 2\"]\n"
                              "parameters: {optimizer.lr: {values: [1, 2, 3, 2.5]}}");
  std::vector<std::size_t> ranks;
  for (const auto& trial : plan.trials) ranks.push_back(trial.rank);
  EXPECT_EQ(ranks, (std::vector<std::size_t>{2, 0, 1, 1}));
}

TEST(Priority, WhatATrialStartsFromIsAsUrgent) {
  const auto plan = plan_text(R"(
model: {plugin: mamba}
repeats: {seeds: [0, 1]}
priority: adapter.plugin == 'lora' && seed == 1
stages:
  pretrain:
    model: {config: {hidden_size: 64}, tokenizer: t}
    task: {plugin: pretraining, train: a.txt, validation: b.txt}
  classify:
    model: {weights: {stage: pretrain}}
    adapter: {plugin: lora}
    task: {plugin: classification, train: a.tsv, validation: b.tsv, text: text, label: label}
)");
  std::vector<std::string> ranks;
  for (const auto& trial : plan.trials) {
    ranks.push_back(trial.stage + " " + std::to_string(trial.seed) + " " +
                    std::to_string(trial.rank));
  }
  EXPECT_EQ(ranks, (std::vector<std::string>{"pretrain 0 1", "pretrain 1 0", "classify 0 1",
                                             "classify 1 0"}));
}

TEST(Resources, AreReadInTheirUnits) {
  const auto plan = plan_text(kBase + "resources: {max_trials_per_gpu: 3, gpu_memory: 1.5GiB}");
  EXPECT_EQ(plan.resources.max_trials_per_gpu, 3);
  EXPECT_EQ(plan.resources.gpu_memory, 1536LL << 20);
  EXPECT_EQ(plan_text(kBase + "resources: {gpu_memory: 800 MB}").resources.gpu_memory, 800'000'000);
  EXPECT_EQ(plan_text(kBase + "resources: {gpu_memory: auto}").resources.gpu_memory, 0);
}

TEST(Plan, EqualConfigurationsAreOneTrial) {
  const auto plan = plan_text(kBase + "parameters: {optimizer.lr: {values: [1, 1.0, 10e-1, 2]}}");
  ASSERT_EQ(2U, plan.trials.size());
  ASSERT_EQ(1U, plan.warnings.size());
  EXPECT_EQ(R"(2 trials repeat earlier ones and are run once, the first: {"optimizer.lr":1.0})",
            plan.warnings[0]);
}

TEST(Plan, ADefaultIsNotPartOfTheIdentity) {
  const auto before = plan_text(kBase);
  Description later = installed();
  for (auto& component : later.components) {
    component.params.push_back({.name = "new", .type = ParamType::kInt, .default_value = 3});
  }
  const Folder folder;
  const auto after = plan_sweep(folder.write("sweep.yaml", kBase), later, {});
  EXPECT_EQ(before.trials[0].id, after.trials[0].id);
}

TEST(Plan, AnAdapterThatIsNotNamedIsNone) {
  EXPECT_EQ(plan_text(kBase).trials[0].id,
            plan_text(kBase + "adapter: {plugin: none}").trials[0].id);
}

TEST(Plan, ListsOfTrials) {
  const auto plan = plan_text(kBase + R"(
adapter: {plugin: lora, r: 2}
method: list
trials:
  - {optimizer.lr: 1e-3}
  - {adapter.r: 4}
  - {adapter: {plugin: none}}
repeats: {seeds: [5, 6]}
)");
  EXPECT_EQ(R"({"optimizer.lr":0.001})"
            "\n"
            R"({"optimizer.lr":0.001})"
            "\n"
            R"({"adapter.r":4})"
            "\n"
            R"({"adapter.r":4})"
            "\n"
            R"({"adapter.plugin":"none"})"
            "\n"
            R"({"adapter.plugin":"none"})",
            values(plan));
  EXPECT_EQ(R"({"plugin":"lora","r":2})", canonical_json(plan.trials[0].config["adapter"]));
}

TEST(Plan, RecipesLieUnderTheSweep) {
  const Folder folder;
  folder.write("recipes/one.yaml",
               "optimizer: {lr: 1e-3, beta2: 0.95}\nschedule: {name: cosine, warmup_steps: 100}\n");
  folder.write("elsewhere/two.yaml", "optimizer: {beta2: 0.9}\n");
  PlanOptions options;
  options.recipe_folders = {folder.path() / "elsewhere"};
  const auto plan = plan_sweep(folder.write("sweep.yaml", kBase + R"(
optimizer: {lr: 2e-3}
schedule: {warmup_ratio: 0.1}
parameters: {recipe: {values: [one, two, recipes/one.yaml, null]}}
)"),
                               installed(), options);
  ASSERT_EQ(4U, plan.trials.size());
  EXPECT_EQ(R"({"beta2":0.95,"lr":0.002})", canonical_json(plan.trials[0].config["optimizer"]));
  EXPECT_EQ(R"({"name":"cosine","warmup_ratio":0.1})",
            canonical_json(plan.trials[0].config["schedule"]));
  EXPECT_EQ(R"({"beta2":0.9,"lr":0.002})", canonical_json(plan.trials[1].config["optimizer"]));
  EXPECT_EQ("recipes/one.yaml", plan.trials[2].config["recipe"]);
  EXPECT_FALSE(plan.trials[3].config.contains("recipe"));
  EXPECT_EQ(R"({"recipe":"two"})", canonical_json(plan.trials[1].parameters));
}

TEST(Plan, PathsStartFromTheFileThatNamesThem) {
  const Folder folder;
  folder.write("shared/base.yaml", kBase + "extends: deeper/more.yaml\n");
  folder.write("shared/deeper/more.yaml", "model: {tokenizer: tok}\n");
  const auto plan = plan_sweep(folder.write("sweeps/sweep.yaml",
                                            "extends: ../shared/base.yaml\n"
                                            "task: {validation: /data/v.tsv, train: t.tsv}\n"),
                               installed(), {});
  const Json& config = plan.trials[0].config;
  EXPECT_EQ("../shared/models/mamba", config["model"]["weights"]);
  EXPECT_EQ("../shared/deeper/tok", config["model"]["tokenizer"]);
  EXPECT_EQ("t.tsv", config["task"]["train"]);
  EXPECT_EQ("/data/v.tsv", config["task"]["validation"]);

  const Json launched =
      launch_config(plan, plan.trials[0], installed(), [](const std::string&) { return ""; });
  EXPECT_EQ((folder.path() / "shared/models/mamba").string(), launched["model"]["weights"]);
  EXPECT_EQ((folder.path() / "sweeps/t.tsv").string(), launched["task"]["train"]);
  EXPECT_EQ("/data/v.tsv", launched["task"]["validation"]);
  EXPECT_EQ("sentence", launched["task"]["text"]);
}

TEST(Plan, StartsFromATrialOfTheDatabase) {
  PlanOptions options;
  options.find_trial = [](const std::string& prefix) { return prefix + "ef"; };
  const Folder folder;
  const auto plan = plan_sweep(
      folder.write("sweep.yaml", kBase + "parameters: {model.weights: {values: ['trial:abcd']}}"),
      installed(), options);
  EXPECT_EQ(R"({"trial":"abcdef"})", canonical_json(plan.trials[0].config["model"]["weights"]));
  EXPECT_TRUE(plan.trials[0].depends_on.empty());
  const Json launched = launch_config(plan, plan.trials[0], installed(), [](const std::string& id) {
    return "/results/" + id + "/model";
  });
  EXPECT_EQ("/results/abcdef/model", launched["model"]["weights"]);
}

TEST(Plan, WhatIsOnTheHubGetsItsCommit) {
  PlanOptions options;
  std::set<std::string> asked;
  options.pin = [&](const std::string& sweep, const std::string& reference, HubUse use) {
    asked.insert(sweep + " " + reference + " " + std::to_string(static_cast<int>(use)));
    return reference + "@c0ffee";
  };
  const Folder folder;
  const auto text = kBase +
                    "name: hubbed\nparameters: {model.weights: {values: ['hf:a/b']},"
                    " model.tokenizer: {value: 'hf:a/t'}, task.train: {value: 'hf:c/d'}}";
  const auto plan = plan_sweep(folder.write("sweep.yaml", text), installed(), options);
  EXPECT_EQ(asked,
            (std::set<std::string>{"hubbed hf:a/b 0", "hubbed hf:a/t 1", "hubbed hf:c/d 3"}));
  const Json config = plan.trials[0].config;
  EXPECT_EQ(config["model"]["weights"], "hf:a/b@c0ffee");
  EXPECT_EQ(config["task"]["train"], "hf:c/d@c0ffee");
  const Json launched = launch_config(
      plan, plan.trials[0], installed(), [](const std::string&) { return ""; },
      [](const std::string& reference, HubUse) { return "/cache/" + reference.substr(3); });
  EXPECT_EQ(launched["model"]["weights"], "/cache/a/b@c0ffee");
  EXPECT_EQ(launched["model"]["tokenizer"], "/cache/a/t@c0ffee");
  EXPECT_EQ(launched["task"]["validation"], (folder.path() / "b.tsv").string());
}

TEST(Plan, WhatTheHubRefusesIsShownWhereItIs) {
  PlanOptions options;
  options.pin = [](const std::string&, const std::string&, HubUse) -> std::string {
    throw ConfigError("", "no such model");
  };
  const auto text = kBase + "parameters: {model.weights: {values: [m, 'hf:a/b']}}";
  EXPECT_EQ(error_of(text, options), "sweep.yaml:4:42: model.weights: no such model");
  EXPECT_NE(error_of(text).find("nothing can be looked up on the hub here"), std::string::npos);
}

TEST(Plan, WhenCompletesATrial) {
  const auto plan = plan_text(R"(
model: {plugin: mamba}
task: {plugin: pretraining, train: a, validation: b}
parameters: {task.plugin: {values: [pretraining, classification]}}
when:
  - if: task.plugin == 'classification'
    parameters:
      task.text: {value: sentence}
      task.label: {values: [coarse, fine]}
repeats: {seeds: [0, 1]}
)");
  EXPECT_EQ(R"({"task.plugin":"pretraining"})"
            "\n"
            R"({"task.plugin":"pretraining"})"
            "\n"
            R"({"task.label":"coarse","task.plugin":"classification"})"
            "\n"
            R"({"task.label":"coarse","task.plugin":"classification"})"
            "\n"
            R"({"task.label":"fine","task.plugin":"classification"})"
            "\n"
            R"({"task.label":"fine","task.plugin":"classification"})",
            values(plan));
}

TEST(Plan, StagesShareInheritAndOverride) {
  const auto plan = plan_text(R"(
metric: {name: eval/loss, goal: minimize}
model: {plugin: mamba, config: {a: 1}}
task: {plugin: pretraining, train: a, validation: b}
training: {epochs: 3}
stages:
  one: {training: {steps: 5}, metric: {name: eval/accuracy, goal: maximize}}
  two: {model: {config: null}}
)",
                              with_overrides({"training.batch_size=4", "stages.two.task.block=8"}));
  ASSERT_EQ(2U, plan.trials.size());
  EXPECT_EQ(R"({"batch_size":4,"steps":5})", canonical_json(plan.trials[0].config["training"]));
  EXPECT_EQ(R"({"batch_size":4,"epochs":3.0})", canonical_json(plan.trials[1].config["training"]));
  EXPECT_EQ(R"({"plugin":"mamba"})", canonical_json(plan.trials[1].config["model"]));
  EXPECT_FALSE(plan.trials[0].config["task"].contains("block"));
  EXPECT_EQ(8, plan.trials[1].config["task"]["block"]);
  EXPECT_TRUE(plan.metrics.at("one").maximize);
  EXPECT_EQ("eval/loss", plan.metrics.at("two").name);
}

TEST(Plan, ReadsWhatTheMachineGives) {
  const Folder folder;
  const auto plan = plan_sweep(folder.write("sweep.yaml", kBase + R"(
resources: {workers: 3, threads: 2, device: "cuda:1"}
prepare: [{command: [make, it], creates: out/data.tsv}]
run_cap: 2
parameters: {adapter.r: {min: 1, max: 9}}
adapter: {plugin: lora}
)"),
                               installed(), {});
  EXPECT_EQ(3, plan.resources.workers);
  EXPECT_EQ(2, plan.resources.threads);
  EXPECT_EQ("cuda:1", plan.resources.device);
  ASSERT_EQ(1U, plan.prepare.size());
  EXPECT_EQ((std::vector<std::string>{"make", "it"}), plan.prepare[0].command);
  EXPECT_EQ(folder.path() / "out/data.tsv", plan.prepare[0].creates);
  EXPECT_EQ(folder.path(), plan.prepare[0].folder);
  EXPECT_EQ(2U, plan.trials.size());
  EXPECT_EQ("run_cap: 2 of 9 trials", plan.warnings.at(0));
}

TEST(Plan, KnowsWhereAValueWasWritten) {
  const auto plan = plan_text(R"(model: {plugin: mamba, config: {d_model: 8}}
task: {plugin: pretraining, train: a, validation: b}
parameters:
  optimizer.lr: {values: [1, 2]}
)");
  const auto place = [&](const std::string& key) {
    const Location where = locate(plan, "", key);
    return std::to_string(where.line) + ":" + std::to_string(where.column);
  };
  EXPECT_EQ("2:36", place("task.train"));
  EXPECT_EQ("1:32", place("model.config"));
  EXPECT_EQ("1:32", place("model.config.d_model"));
  EXPECT_EQ("4:3", place("optimizer.lr"));
  EXPECT_EQ("2:1", place("task.text"));
  EXPECT_EQ("1:1", place("training.epochs"));
}

std::string place_of(const SweepPlan& plan, std::size_t trial, const std::string& key) {
  const Location where = locate(plan, plan.trials.at(trial), key);
  return std::to_string(where.line) + ":" + std::to_string(where.column);
}

TEST(Plan, KnowsWhichItemOfAListAValueIsFrom) {
  const auto plan = plan_text(kBase + R"(method: list
repeats: {seeds: [0, 1]}
trials:
  - {adapter: {plugin: lora, r: 4}, optimizer.lr: 1}
  - {adapter.plugin: lora, adapter.r: 4, optimizer.lr: 2}
  - {optimizer.lr: 1}
)");
  ASSERT_EQ(plan.trials.size(), 6U);
  EXPECT_EQ(place_of(plan, 0, "optimizer.lr"), "7:51");
  EXPECT_EQ(place_of(plan, 1, "optimizer.lr"), "7:51");
  EXPECT_EQ(place_of(plan, 0, "adapter.r"), "7:33");
  EXPECT_EQ(place_of(plan, 2, "adapter.r"), "8:39");
  EXPECT_EQ(place_of(plan, 3, "optimizer.lr"), "8:56");
  EXPECT_EQ(place_of(plan, 5, "optimizer.lr"), "9:20");
  EXPECT_EQ(place_of(plan, 5, "task.text"), "3:71");
}

TEST(Plan, KnowsWhichValueOfAnAxisOfMapsAKeyIsFrom) {
  const auto plan = plan_text(kBase + R"(parameters:
  adapter:
    values:
      - {plugin: lora, r: 4}
      - {plugin: lora, r: 8}
      - {plugin: lora, r: 16, lora_alpha: 3}
  optimizer.lr: {values: [1, 2]}
)");
  ASSERT_EQ(plan.trials.size(), 6U);
  EXPECT_EQ(place_of(plan, 0, "adapter.r"), "7:27");
  EXPECT_EQ(place_of(plan, 2, "adapter.r"), "8:27");
  EXPECT_EQ(place_of(plan, 5, "adapter.r"), "9:27");
  EXPECT_EQ(place_of(plan, 5, "adapter.lora_alpha"), "9:43");
  EXPECT_EQ(place_of(plan, 5, "optimizer.lr"), "10:3");
}

// A program of one's own, whose parameters only the file knows.
TEST(Plan, ConditionsNameTheArgsOfAProgram) {
  const auto plan = plan_text(R"(worker: {command: [python3, train.py]}
args: {lr: 0.1, optimizer: {name: adam}}
model: {size: 3}
parameters:
  args.rank: {values: [1, 2, 3]}
  args.config: {values: [{depth: 2}, {depth: 4}]}
exclude:
  - args.rank == 3 && args.config.depth > 2 && model.size == 3
  - args.optimizer.name != 'adam'
when:
  - {if: args.rank == 1, parameters: {args.extra: {values: [a, b]}}}
priority: [args.extra == 'b', args.rank >= 2]
)");
  EXPECT_EQ(plan.warnings, std::vector<std::string>{
                               "exclude: no trial meets the condition \"args.optimizer.name != "
                               "'adam'\""});
  std::string ranks;
  for (const auto& trial : plan.trials) {
    ranks += canonical_json(trial.config.at("args").value("extra", Json())) +
             canonical_json(trial.config.at("args").at("rank")) +
             canonical_json(trial.config.at("args").at("config").at("depth")) + ":" +
             std::to_string(trial.rank) + " ";
  }
  EXPECT_EQ(ranks, "\"a\"12:2 \"b\"12:0 \"a\"14:2 \"b\"14:0 null22:1 null24:1 null32:1 ");
}

TEST(Plan, AConstantMayLookLikeAnAxisToTheProgram) {
  const auto plan = plan_text(R"(worker: {command: [python3, train.py]}
parameters:
  args.space: {value: {values: [1, 2]}}
)");
  ASSERT_EQ(plan.trials.size(), 1U);
  EXPECT_EQ(plan.trials[0].config.at("args"), Json::parse(R"({"space": {"values": [1, 2]}})"));
}

TEST(Plan, AFileThatIsNotThere) {
  try {
    plan_sweep("nowhere/sweep.yaml", installed(), {});
    FAIL();
  } catch (const SweepErrors& errors) {
    EXPECT_STREQ("nowhere/sweep.yaml: cannot read: No such file or directory", errors.what());
    EXPECT_EQ(64, errors.exit_code());
  }
}

// `count` draws of one axis.
std::vector<double> drawn(const std::string& axis, int count, const std::string& more = "") {
  const auto plan = plan_text(kBase + "method: random\nrun_cap: " + std::to_string(count) + "\n" +
                              more + "parameters:\n  optimizer.lr: " + axis + "\n");
  std::vector<double> values;
  for (const auto& trial : plan.trials) values.push_back(trial.parameters.at("optimizer.lr"));
  return values;
}

// The share of draws below each bound must be what the distribution function says.
void expect_shares(const std::vector<double>& values,
                   const std::vector<std::pair<double, double>>& shares) {
  for (const auto& [bound, share] : shares) {
    const auto below = std::count_if(values.begin(), values.end(),
                                     [bound = bound](double value) { return value < bound; });
    EXPECT_NEAR(share, static_cast<double>(below) / static_cast<double>(values.size()), 0.04)
        << "below " << bound;
  }
}

TEST(RandomSearch, DrawsFromItsDistributions) {
  constexpr int kDraws = 2000;  // a share of 0.5 has a deviation of 0.011
  expect_shares(drawn("{min: 0.0, max: 4.0}", kDraws), {{0, 0}, {1, 0.25}, {3, 0.75}, {4, 1}});
  expect_shares(drawn("{distribution: log_uniform_values, min: 1e-4, max: 1e-2}", kDraws),
                {{1e-4, 0}, {1e-3, 0.5}, {1e-2, 1}});
  expect_shares(drawn("{distribution: normal, mu: 10, sigma: 2}", kDraws),
                {{8, 0.1587}, {10, 0.5}, {12, 0.8413}});
  expect_shares(drawn("{distribution: log_normal, mu: 0, sigma: 1}", kDraws),
                {{0, 0}, {1, 0.5}, {2.718, 0.8413}});
  expect_shares(drawn("{distribution: beta, a: 2, b: 1}", kDraws), {{0.5, 0.25}, {1, 1}});
}

TEST(RandomSearch, IntegersStepsAndChoices) {
  const auto shares_of = [](const std::vector<double>& values) {
    std::map<double, double> shares;
    for (const double value : values) shares[value] += 1.0 / static_cast<double>(values.size());
    return shares;
  };
  // Equal draws are one trial; a second axis tells them apart.
  const std::string other = "\n  optimizer.beta2: {min: 0.0, max: 0.9}";
  const auto integers = shares_of(drawn("{min: 1, max: 3}" + other, 900));
  ASSERT_EQ(3U, integers.size());
  for (const auto& [value, share] : integers) EXPECT_NEAR(1 / 3.0, share, 0.06) << value;
  const auto steps =
      shares_of(drawn("{distribution: q_uniform, min: 0, max: 1, q: 0.5}" + other, 900));
  ASSERT_EQ(3U, steps.size());
  EXPECT_NEAR(0.5, steps.at(0.5), 0.06);
  const auto chosen = shares_of(drawn("{values: [1, 2], probabilities: [0.9, 0.1]}" + other, 900));
  EXPECT_NEAR(0.9, chosen.at(1), 0.04);
}

TEST(RandomSearch, MoreDrawsOrAxesLeaveTheOthersAsTheyWere) {
  const std::string axis = "{distribution: log_uniform_values, min: 1e-5, max: 1e-1}";
  const auto few = drawn(axis, 5);
  const auto more = drawn(axis, 9);
  EXPECT_EQ(few, std::vector<double>(more.begin(), more.begin() + 5));
  EXPECT_EQ(few, drawn(axis + "\n  optimizer.beta2: {min: 0.9, max: 0.99}", 5));
  EXPECT_NE(few, drawn(axis, 5, "search: {seed: 1}\n"));
}

TEST(RandomSearch, EveryDrawIsRunWithEverySeed) {
  const auto plan = plan_text(kBase + R"(
method: random
run_cap: 6
repeats: {seeds: [0, 1]}
zip:
  - {adapter.plugin: [none, lora], training.batch_size: [8, 16]}
parameters:
  optimizer.lr: {min: 0.0, max: 1.0}
)");
  ASSERT_EQ(6U, plan.trials.size());
  std::set<std::string> groups;
  for (const auto& trial : plan.trials) {
    groups.insert(trial.group);
    const bool lora = trial.parameters.at("adapter.plugin") == "lora";
    EXPECT_EQ(lora ? 16 : 8, trial.parameters.at("training.batch_size"));
  }
  EXPECT_EQ(3U, groups.size());
}

TEST(RandomSearch, SaysWhatIsWrong) {
  EXPECT_EQ(
      "sweep.yaml:7:32: optimizer.lr: 'log_uniform' can be read in two ways: in W&B, min and max "
      "are exponents of e (min: -11.5 is 1e-5); if they are the values themselves, write "
      "log_uniform_values\n"
      "sweep.yaml:8:57: training.batch_size: probabilities: they sum to 0.9, not to 1\n"
      "sweep.yaml:9:52: adapter.r: unknown key 'sgima'; did you mean 'sigma'? "
      "(known: "
      "mu, sigma, distribution, q)",
      error_of(kBase + R"(method: random
run_cap: 3
parameters:
  optimizer.lr: {distribution: log_uniform, min: 1e-5, max: 1e-3}
  training.batch_size: {values: [8, 16], probabilities: [0.5, 0.4]}
  adapter.r: {distribution: q_normal, mu: 8, q: 4, sgima: 2}
)"));
}

}  // namespace
}  // namespace mvn
