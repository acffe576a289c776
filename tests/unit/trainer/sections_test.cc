#include "train/recipe/sections.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "support/error_of.h"

namespace mvn {
namespace {

// As the runner reads a recipe: a scalar that is a number is one.
Value from_yaml(const YAML::Node& node) {
  if (node.IsMap()) {
    Value::Map map;
    for (const auto& entry : node) map[entry.first.as<std::string>()] = from_yaml(entry.second);
    return Value(std::move(map));
  }
  if (node.IsSequence()) {
    Value::List list;
    for (const auto& item : node) list.push_back(from_yaml(item));
    return Value(std::move(list));
  }
  std::int64_t whole = 0;
  double real = 0;
  bool flag = false;
  if (YAML::convert<std::int64_t>::decode(node, whole)) return Value(whole);
  if (YAML::convert<double>::decode(node, real)) return Value(real);
  if (YAML::convert<bool>::decode(node, flag)) return Value(flag);
  return Value(node.as<std::string>());
}

Value::Map recipe(const std::string& name) {
  return from_yaml(YAML::LoadFile(std::string(MVN_RECIPES) + "/" + name + ".yaml")).as_map();
}

Value::Map section(const Value::Map& recipe, const std::string& name) {
  const auto found = recipe.find(name);
  return found == recipe.end() ? Value::Map{} : found->second.as_map();
}

TEST(SectionsTest, EveryRecipeIsValid) {
  int recipes = 0;
  for (const auto& file : std::filesystem::directory_iterator(MVN_RECIPES)) {
    SCOPED_TRACE(file.path());
    const auto values = recipe(file.path().stem());
    for (const auto& [name, ignored] : values) EXPECT_TRUE(trainer_sections().contains(name));
    EXPECT_NO_THROW(optimizer_options(section(values, "optimizer")));
    EXPECT_NO_THROW(schedule_options(section(values, "schedule")));
    auto training = section(values, "training");
    training["epochs"] = 1;
    EXPECT_NO_THROW(training_options(training));
    ++recipes;
  }
  EXPECT_EQ(recipes, 6);
}

TEST(SectionsTest, TheImprovedRecipeTakesFiveTimesTheValueOfTheNearestSize) {
  const auto options = optimizer_options(section(recipe("mamba-improved"), "optimizer"));
  EXPECT_DOUBLE_EQ(peak_learning_rate(options, 129e6), 3e-3);
  EXPECT_DOUBLE_EQ(peak_learning_rate(options, 1e6), 3e-3);
  EXPECT_DOUBLE_EQ(peak_learning_rate(options, 371e6), 1.5e-3);
  EXPECT_DOUBLE_EQ(peak_learning_rate(options, 2.8e9), 1e-3);
}

TEST(SectionsTest, TheGpt3TableHoldsEverySize) {
  const auto options = optimizer_options(section(recipe("gpt3"), "optimizer"));
  const std::vector<std::pair<double, double>> table = {
      {125e6, 6e-4},   {350e6, 3e-4},   {760e6, 2.5e-4}, {1.3e9, 2e-4},
      {2.7e9, 1.6e-4}, {6.7e9, 1.2e-4}, {13e9, 1e-4},    {175e9, 0.6e-4}};
  for (const auto& [size, rate] : table) {
    EXPECT_DOUBLE_EQ(peak_learning_rate(options, size), rate) << size;
  }
}

TEST(SectionsTest, TheGpt3TableHoldsTheBatchOfEverySize) {
  auto training = section(recipe("gpt3"), "training");
  training["epochs"] = 1;
  const auto options = training_options(training);
  const std::vector<std::pair<double, std::int64_t>> table = {
      {125e6, 500000},  {350e6, 500000},  {760e6, 500000}, {1.3e9, 1000000},
      {2.7e9, 1000000}, {6.7e9, 2000000}, {13e9, 2000000}, {175e9, 3200000}};
  for (const auto& [size, tokens] : table) EXPECT_EQ(batch_tokens(options, size), tokens) << size;
}

TEST(SectionsTest, AGivenBatchCountsMoreThanTheTable) {
  Value::Map training = {{"epochs", 1},
                         {"batch_tokens_by_size", Value::Map{{"125e6", 500}, {"1e9", 900}}}};
  EXPECT_EQ(training_options(training).micro_batch_size, 900);
  training["batch_tokens"] = 77;
  EXPECT_EQ(batch_tokens(training_options(training), 1e9), 77);
  training.erase("batch_tokens");
  training["batch_size"] = 8;
  EXPECT_EQ(batch_tokens(training_options(training), 1e9), std::nullopt);
  EXPECT_EQ(training_options(training).micro_batch_size, 8);
}

TEST(SectionsTest, TheBestIsTheSmallestLossAndTheLargestOfAnyOther) {
  const auto smallest = [](const char* metric, const char* goal = "auto") {
    return training_options({{"epochs", 1}, {"keep_best", metric}, {"best_goal", goal}})
        .best_is_smallest;
  };
  EXPECT_TRUE(smallest("eval/loss"));
  EXPECT_TRUE(smallest("eval/perplexity"));
  EXPECT_TRUE(smallest("eval/bits_per_byte"));
  EXPECT_FALSE(smallest("eval/accuracy"));
  EXPECT_TRUE(smallest("eval/accuracy", "minimize"));
}

TEST(SectionsTest, AGivenLearningRateIsTakenAsItIs) {
  const auto options = optimizer_options(
      {{"lr", 0.01}, {"lr_scale", 5}, {"lr_by_size", Value::Map{{"125e6", 6e-4}}}});
  EXPECT_EQ(peak_learning_rate(options, 125e6), 0.01);
}

TEST(SectionsTest, BadValuesAreNamed) {
  EXPECT_EQ(test::error_of([] { optimizer_options({}); }),
            "optimizer.lr: is required: give a peak learning rate, or a recipe that has "
            "lr_by_size");
  EXPECT_EQ(test::error_of([] {
              optimizer_options({{"lr_by_size", Value::Map{{"small", 1}}}});
            }),
            "optimizer.lr_by_size.small: expected a number greater than 0, got 'small'");
  EXPECT_EQ(test::error_of([] {
              optimizer_options({{"lr", 1}, {"no_decay", "("}});
            }),
            "optimizer.no_decay: '(' is not a valid regular expression: missing )");
  EXPECT_EQ(test::error_of([] { optimizer_options({}, /*trains=*/false); }), "(no error)");
  EXPECT_EQ(
      test::error_of([] {
        schedule_options({{"warmup_steps", 1}, {"warmup_ratio", 0.1}});
      }),
      "schedule.warmup_ratio: give either this or schedule.warmup_steps, not both (null takes "
      "a recipe's back)");
  EXPECT_EQ(test::error_of([] {
              schedule_options({{"warmup_tokens", 1e6}, {"warmup_ratio", 0.1}});
            }),
            "schedule.warmup_tokens: give either this or schedule.warmup_ratio, not both (null "
            "takes a recipe's back)");
  EXPECT_EQ(test::error_of([] {
              training_options({{"epochs", 0}});
            }),
            "training.epochs: must be greater than 0, got 0");
  const auto both = training_options({{"epochs", 1.5}, {"steps", 10}});  // what ends first counts
  EXPECT_EQ(both.epochs, 1.5);
  EXPECT_EQ(both.steps, 10);
  EXPECT_EQ(test::error_of([] { training_options({}); }),
            "training.epochs: is required: give epochs or steps");
  EXPECT_EQ(test::error_of([] {
              training_options({{"epochs", 1}, {"presicion", "bf16"}});
            }).substr(0, 64),
            "training.presicion: unknown parameter; did you mean 'precision'?");
}

TEST(SectionsTest, WhatAGraphCannotHoldIsRefused) {
  const Value::Map whole = {{"epochs", 1}, {"batch_size", 12}, {"cuda_graphs", true}};
  EXPECT_TRUE(training_options(whole).cuda_graphs);
  const auto error_with = [&](const char* name, const Value& value) {
    Value::Map section = whole;
    section[name] = value;
    return test::error_of([&] { training_options(section); });
  };
  EXPECT_EQ(error_with("activation_checkpointing", true),
            "training.cuda_graphs: given together with activation_checkpointing; give one of them");
  EXPECT_EQ(error_with("micro_batch_size", 6),
            "training.cuda_graphs: wants each batch in one piece, but micro_batch_size cuts it up; "
            "leave that out");
  EXPECT_EQ(error_with("micro_batch_size", 12), "(no error)");
}

TEST(SectionsTest, MicroBatchesAreWholeBatchesUnlessTold) {
  EXPECT_EQ(training_options({{"epochs", 1}, {"batch_size", 12}}).micro_batch_size, 12);
  EXPECT_EQ(training_options({{"epochs", 1}, {"batch_size", 12}, {"micro_batch_size", 5}})
                .micro_batch_size,
            5);
}

}  // namespace
}  // namespace mvn
