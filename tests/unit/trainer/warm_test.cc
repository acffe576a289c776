#include "train/trainer/warm.h"

#include <gtest/gtest.h>

#include "../toy/toy.h"
#include "support/temporary_folder.h"
#include "train/trainer/random.h"

namespace mvn {
namespace {

std::shared_ptr<toy::ToyModel> make_model(std::int64_t width = 8) {
  const Params none("model", {}, {});
  const Value::Map config = {{"hidden_size", width}};
  return std::make_shared<toy::ToyModel>(ModelContext{none, config, torch::dtype(torch::kFloat32)});
}

// A model filled and kept as a trial's with a frozen base is.
std::shared_ptr<toy::ToyModel> kept_model(WarmBase& warm, const std::string& identity) {
  auto model = make_model();
  model->initialise(stream_generator(0, "init/model"));
  warm.keep(identity, *model, {});
  for (auto& parameter : model->parameters()) parameter.requires_grad_(false);
  return model;
}

torch::Tensor weight_of(const Model& model) { return model.named_parameters()["mixer.weight"]; }

TEST(WarmBaseTest, TheNextModelSharesTheMemoryOfTheLast) {
  WarmBase warm;
  auto first = kept_model(warm, "toy");
  const auto values = weight_of(*first).clone();
  const void* memory = weight_of(*first).data_ptr();
  for (int trial = 0; trial < 2; ++trial) {
    const auto next = make_model();
    ASSERT_TRUE(warm.fill("toy", *next, nullptr));
    first.reset();
    EXPECT_EQ(memory, weight_of(*next).data_ptr());
    EXPECT_TRUE(torch::equal(values, weight_of(*next)));
  }
}

TEST(WarmBaseTest, AnotherBaseDropsTheLast) {
  WarmBase warm;
  EXPECT_FALSE(warm.fill("toy", *make_model(), nullptr));
  kept_model(warm, "toy");
  EXPECT_FALSE(warm.fill("other", *make_model(), nullptr));
  EXPECT_TRUE(warm.empty());
}

TEST(WarmBaseTest, OtherShapesDoNotFit) {
  WarmBase warm;
  kept_model(warm, "toy");
  EXPECT_FALSE(warm.fill("toy", *make_model(/*width=*/4), nullptr));
}

TEST(WarmBaseTest, WhatWasWrittenToIsNotGivenToAnother) {
  WarmBase warm;
  const auto model = kept_model(warm, "toy");
  const torch::NoGradGuard no_grad;
  weight_of(*model).mul_(2);
  EXPECT_FALSE(warm.fill("toy", *make_model(), nullptr));
  EXPECT_TRUE(warm.empty());
}

TEST(WarmBaseTest, WhatIsTrainedIsACopy) {
  WarmBase warm;
  const auto model = kept_model(warm, "toy");
  const auto values = weight_of(*model).clone();
  weight_of(*model).requires_grad_(true);
  warm.release_trained();
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(values, weight_of(*model)));
  weight_of(*model).mul_(2);
  const auto next = make_model();
  ASSERT_TRUE(warm.fill("toy", *next, nullptr));
  EXPECT_TRUE(torch::equal(values, weight_of(*next)));
}

TEST(WarmBaseTest, TheHeadGetsWhatFitsOfTheCheckpoints) {
  WarmBase warm;
  const auto model = make_model();
  model->initialise(stream_generator(0, "init/model"));
  toy::ToyHead head(8, torch::kFloat32);
  warm.keep("toy", *model, {{"score.weight", torch::full({2, 8}, 3.0)}});
  ASSERT_TRUE(warm.fill("toy", *make_model(), &head));
  EXPECT_TRUE(torch::equal(torch::full({2, 8}, 3.0), head.score->weight));
}

class WarmDataTest : public testing::Test {
 protected:
  void fill(const std::string& identity) {
    *warm_.place(identity) = std::make_shared<const int>(7);
    warm_.keep(identity, {file_});
  }
  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.write("train.tsv", "text\tlabel\n");
  WarmData warm_;
};

TEST_F(WarmDataTest, TheSameDataIsThereAgain) {
  fill("sst2");
  EXPECT_EQ(7, *std::static_pointer_cast<const int>(*warm_.place("sst2")));
  EXPECT_EQ(nullptr, *warm_.place("banking77"));
  EXPECT_EQ(nullptr, *warm_.place("sst2"));
}

TEST_F(WarmDataTest, AFileThatChangedIsReadAgain) {
  fill("sst2");
  folder_.write("train.tsv", "text\tlabel\na\tb\n");
  EXPECT_EQ(nullptr, *warm_.place("sst2"));
}

TEST_F(WarmDataTest, AFileThatWasReplacedByOneOfTheSameSizeIsReadAgain) {
  fill("sst2");
  folder_.write("new.tsv", "text\tlabe1\n");
  std::filesystem::rename(folder_ / "new.tsv", file_);
  EXPECT_EQ(nullptr, *warm_.place("sst2"));
}

TEST(StateOfWeights, ChangesWithAnyFileOfTheFolder) {
  const test::TemporaryFolder folder;
  folder.write("model.safetensors", "one");
  const auto before = state_of_weights(folder.path());
  EXPECT_EQ(before, state_of_weights(folder / "model.safetensors"));
  folder.write("config.json", "{}");
  EXPECT_NE(before, state_of_weights(folder.path()));
}

TEST(TokenizerCacheTest, AFileThatChangedIsReadAgain) {
  const test::TemporaryFolder folder;
  folder.write("vocab.json", R"({"a": 0, "b": 1})");
  folder.write("merges.txt", "#version: 0.2\n");
  TokenizerCache cache;
  const auto first = cache.get(folder.path());
  EXPECT_EQ(first, cache.get(folder.path()));
  folder.write("vocab.json", R"({"a": 0, "b": 1, "c": 2})");
  EXPECT_EQ(3, cache.get(folder.path())->vocabulary());
}

}  // namespace
}  // namespace mvn
