#include "train/trainer/check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

Json good_configuration() {
  return {{"model",
           {{"plugin", "toy"}, {"config", {{"hidden_size", 4}}}, {"tokenizer", "/no/tokenizer"}}},
          {"adapter", {{"plugin", "all"}}},
          {"task", {{"plugin", "toy"}}},
          {"optimizer", {{"lr", 0.01}}},
          {"training", {{"epochs", 1}}},
          {"seed", 0}};
}

std::vector<std::string> errors_of(const Json& configuration) {
  const PluginHost host({MVN_TEST_PLUGINS});
  std::vector<std::string> errors;
  for (const auto& each : Checker(host).check(configuration).errors) {
    errors.push_back(each.key + " | " + each.message);
  }
  return errors;
}

using Errors = std::vector<std::string>;

TEST(CheckTest, FindsEveryErrorAndNamesItsKey) {
  Json configuration = good_configuration();
  configuration["model"]["weights"] = {{"trial", "abc"}};
  configuration["optimizer"]["beta3"] = 0.5;
  configuration["schedule"]["name"] = "cosin";
  configuration["training"]["epochs"] = 0;
  configuration["task"]["train"] = "/no/such/file";
  const Errors errors = errors_of(configuration);
  ASSERT_EQ(errors.size(), 4U);
  EXPECT_TRUE(errors[0].starts_with("optimizer.beta3 | unknown parameter; did you mean 'beta1'?"));
  EXPECT_EQ(errors[1],
            "schedule.name | unknown value 'cosin'; did you mean 'cosine'? (known: constant, "
            "linear, cosine)");
  EXPECT_EQ(errors[2], "training.epochs | must be greater than 0, got 0");
  EXPECT_EQ(errors[3], "task.train | /no/such/file: no such file");
}

TEST(CheckTest, WeightsOfATrialThatHasNotRunAreNotLookedFor) {
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}, {"weights", {{"trial", "abc"}}}};
  EXPECT_EQ(errors_of(configuration), Errors{});
}

TEST(CheckTest, ATaskTakesFromTheWeightsWhatASweepLeavesOpen) {
  const test::TemporaryFolder folder;
  const auto model = (folder / "model").string();
  const auto adapter = (folder / "adapter").string();
  TaskEntry entry;
  entry.from_weights = {{"settings", "modules.json"}};
  Configuration configuration;
  configuration.model["weights"] = model + "/model.safetensors";
  configuration.adapter["weights"] = adapter;
  EXPECT_TRUE(task_values(entry, configuration).empty());
  folder.write("model/model.safetensors", "");
  folder.write("model/modules.json", "[]");
  EXPECT_EQ(task_values(entry, configuration).at("settings").as_text(), model);
  folder.write("adapter/modules.json", "[]");
  EXPECT_EQ(task_values(entry, configuration).at("settings").as_text(), adapter);
  configuration.task["settings"] = "given";
  EXPECT_EQ(task_values(entry, configuration).at("settings").as_text(), "given");
}

TEST(CheckTest, AModelNeedsWeightsOrAConfigurationAndATokenizer) {
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}};
  EXPECT_EQ(errors_of(configuration),
            Errors{"model.weights | is required: give pretrained weights, or model.config for a "
                   "model with random weights"});
  configuration["model"]["config"] = {{"hidden_size", 4}};
  EXPECT_EQ(errors_of(configuration),
            Errors{"model.tokenizer | is required where the model has no weights to take it from"});
}

TEST(CheckTest, WeightsMayBeOneFileOfAFolder) {
  const test::TemporaryFolder folder;
  folder.write("config.json", R"({"model_type": "toy"})");
  const auto file = folder.write("model.safetensors", "x").string();
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}, {"weights", file}};
  EXPECT_EQ(errors_of(configuration),
            (Errors{"model.tokenizer | no tokenizer in " + folder.path().string() +
                        " (expected tokenizer.json, vocab.json and merges.txt, or tokenizer.model)",
                    "model.weights | " + file +
                        ": not a safetensors file: 1 bytes, the header's length alone takes 8"}));
}

TEST(CheckTest, WeightsThatAreNotThereAreNamedWhole) {
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}, {"weights", "/no/some/model"}};
  EXPECT_EQ(errors_of(configuration), Errors{"model.weights | '/no/some/model' does not exist"});
}

TEST(CheckTest, WithoutTrainingNoLearningRateIsNeeded) {
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}, {"weights", {{"trial", "abc"}}}};
  configuration["optimizer"] = Json::object();
  EXPECT_EQ(errors_of(configuration).size(), 1U);
  configuration["training"] = {{"steps", 0}};
  EXPECT_EQ(errors_of(configuration), Errors{});
}

TEST(CheckTest, AModelThatNobodyCanHaveIsNotBuilt) {
  Json configuration = good_configuration();
  configuration["model"]["config"]["num_hidden_layers"] = 1'000'000'000;
  const Errors errors = errors_of(configuration);
  const std::string refused =
      "model.config.num_hidden_layers | must be at most 10000, got 1000000000";
  EXPECT_EQ(std::count(errors.begin(), errors.end(), refused), 1) << errors.front();
}

TEST(CheckTest, UnknownNamesGetTheNearest) {
  Json configuration = good_configuration();
  configuration["model"] = {{"plugin", "toy"}, {"weights", {{"trial", "abc"}}}};
  configuration["task"]["plugin"] = "toi";
  EXPECT_EQ(errors_of(configuration),
            Errors{"task.plugin | no task named 'toi'; did you mean 'toy'? (known: toy); plugins "
                   "were looked for in " MVN_TEST_PLUGINS});
  configuration["taks"] = Json::object();
  EXPECT_TRUE(errors_of(configuration)[0].starts_with(
      "taks | unknown section; did you mean 'task'? (known: "));
}

}  // namespace
}  // namespace mvn
