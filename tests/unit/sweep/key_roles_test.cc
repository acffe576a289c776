#include "orchestrate/sweep/key_roles.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

// Roles as the trainer gives them; the batch has `standard` by default.
KeyRoles roles_of(Value standard) {
  Description installed;
  installed.sections["schedule"] = {{.name = "name", .role = ParamRole::kCourse}};
  installed.sections["training"] = {
      {.name = "epochs", .role = ParamRole::kPasses},
      {.name = "steps", .role = ParamRole::kSteps},
      {.name = "batch_size", .default_value = std::move(standard), .role = ParamRole::kBatch},
      {.name = "micro_batch_size", .role = ParamRole::kMicroBatch}};
  return KeyRoles(installed);
}
const KeyRoles kRoles = roles_of(32);

TEST(MicroBatch, IsHalvedDownToOneAndTheBatchStays) {
  const Json five = {{"training", {{"batch_size", 5}}}};
  const auto three = kRoles.with_half_micro_batch(five);
  EXPECT_EQ(three, (Json{{"training", {{"batch_size", 5}, {"micro_batch_size", 3}}}}));
  EXPECT_EQ(kRoles.micro_batch_text(*three), "training.micro_batch_size 3");
  const auto two = kRoles.with_half_micro_batch(*three);
  EXPECT_EQ(kRoles.micro_batch(*two), 2);
  const auto one = kRoles.with_half_micro_batch(*two);
  EXPECT_EQ(kRoles.micro_batch(*one), 1);
  EXPECT_EQ(kRoles.with_half_micro_batch(*one), std::nullopt);
}

TEST(MicroBatch, StartsAtTheTrainersBatchWhereTheConfigurationDoesNotSay) {
  EXPECT_EQ(kRoles.with_half_micro_batch(Json::object()),
            (Json{{"training", {{"micro_batch_size", 16}}}}));
  EXPECT_EQ(kRoles.stated_micro_batch(Json::object()), 0);
  EXPECT_EQ(roles_of({}).with_half_micro_batch(Json::object()), std::nullopt);
  EXPECT_EQ(KeyRoles().with_half_micro_batch({{"training", {{"batch_size", 8}}}}), std::nullopt);
}

TEST(MicroBatch, OfAProgramOfTheUsersIsWhatItsConfigurationSays) {
  Json config = {{"worker", {{"command", {"python3", "train.py"}}}}};
  EXPECT_EQ(kRoles.micro_batch(config), 0);
  config["training"]["batch_size"] = 8;
  EXPECT_EQ(kRoles.micro_batch(config), 8);
}

// Other names with the same roles do as well: the runner knows no key of the trainer's by its name.
TEST(KeyRoles, AreWhatTheDescriptionSays) {
  Description installed;
  installed.sections["fit"] = {{.name = "rows", .default_value = 6, .role = ParamRole::kBatch},
                               {.name = "slice", .role = ParamRole::kMicroBatch},
                               {.name = "rounds", .role = ParamRole::kSteps}};
  const KeyRoles roles(installed);
  EXPECT_EQ(roles.with_half_micro_batch(Json::object()), (Json{{"fit", {{"slice", 3}}}}));
  EXPECT_EQ(roles.shape({{"fit", {{"rows", 6}, {"rounds", 9}}}}), (Json{{"fit", {{"rows", 6}}}}));
  EXPECT_EQ(roles.steps_like({{"fit", {{"rounds", 9}}}}, Json::object(), 4), 9);
}

TEST(KeyRoles, EpochsCountByTheStepsThatAnEarlierOneTook) {
  const Json one = {{"training", {{"epochs", 1.0}}}};
  const Json three = {{"training", {{"epochs", 3.0}}}};
  const Json capped = {{"training", {{"epochs", 3.0}, {"steps", 250}}}};
  const Json steps = {{"training", {{"steps", 40}}}};
  EXPECT_EQ(kRoles.steps_like(three, one, 120), 360);
  EXPECT_EQ(kRoles.steps_like(capped, one, 120), 250);
  EXPECT_EQ(kRoles.steps_like(steps, one, 120), 40);
  EXPECT_EQ(kRoles.steps_like(one, steps, 40), 0);
  EXPECT_EQ(kRoles.steps_like(Json::object(), Json::object(), 40), 40);
}

const Json kConfig = Json::parse(R"({
  "model": {"plugin": "mamba", "weights": "m"}, "adapter": {"plugin": "lora", "r": 8, "lora_dropout": 0.1},
  "optimizer": {"name": "adamw", "lr": 0.001}, "schedule": {"name": "linear"},
  "training": {"batch_size": 32, "epochs": 3}, "seed": 1})");

std::string shape_with(const std::string& pointer, const Json& value) {
  Json config = kConfig;
  config[Json::json_pointer(pointer)] = value;
  return kRoles.shape(config).dump();
}

TEST(Shape, IsWhatDecidesTimeAndMemory) {
  const auto shape = kRoles.shape(kConfig).dump();
  for (const auto* same : {"/seed", "/training/epochs", "/training/steps"}) {
    EXPECT_EQ(shape_with(same, 7), shape) << same;
  }
  for (const auto* same : {"/optimizer/lr", "/adapter/lora_dropout"}) {
    EXPECT_EQ(shape_with(same, 0.5), shape) << same;
  }
  EXPECT_EQ(shape_with("/schedule/name", "cosine"), shape);
  for (const auto* other : {"/training/batch_size", "/training/micro_batch_size", "/adapter/r"}) {
    EXPECT_NE(shape_with(other, 4), shape) << other;
  }
  EXPECT_NE(shape_with("/optimizer/name", "sgd"), shape);
  EXPECT_NE(shape_with("/model/weights", "n"), shape);
}

}  // namespace
}  // namespace mvn
