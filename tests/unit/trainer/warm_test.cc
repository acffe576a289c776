#include "train/trainer/warm.h"

#include <gtest/gtest.h>

#include "../toy/toy.h"
#include "support/temporary_folder.h"
#include "train/trainer/fresh_memory.h"
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
    ASSERT_TRUE(warm.fill("toy", *next));
    first.reset();
    EXPECT_EQ(memory, weight_of(*next).data_ptr());
    EXPECT_TRUE(torch::equal(values, weight_of(*next)));
  }
}

TEST(WarmBaseTest, AnotherBaseDropsTheLast) {
  WarmBase warm;
  EXPECT_FALSE(warm.fill("toy", *make_model()));
  kept_model(warm, "toy");
  EXPECT_FALSE(warm.fill("other", *make_model()));
  EXPECT_TRUE(warm.empty());
}

TEST(WarmBaseTest, OtherShapesDoNotFit) {
  WarmBase warm;
  kept_model(warm, "toy");
  EXPECT_FALSE(warm.fill("toy", *make_model(/*width=*/4)));
}

TEST(WarmBaseTest, WhatWasWrittenToIsNotGivenToAnother) {
  WarmBase warm;
  const auto model = kept_model(warm, "toy");
  const torch::NoGradGuard no_grad;
  weight_of(*model).mul_(2);
  EXPECT_FALSE(warm.fill("toy", *make_model()));
  EXPECT_TRUE(warm.empty());
}

TEST(WarmBaseTest, WhatIsTrainedIsACopy) {
  WarmBase warm;
  const auto model = kept_model(warm, "toy");
  const auto values = weight_of(*model).clone();
  weight_of(*model).requires_grad_(true);
  warm.share_frozen(*model);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(values, weight_of(*model)));
  weight_of(*model).mul_(2);
  const auto next = make_model();
  ASSERT_TRUE(warm.fill("toy", *next));
  EXPECT_TRUE(torch::equal(values, weight_of(*next)));
}

FrozenWeight& packed_of(const Model& model) {
  return *model.named_modules()["mixer"]->as<Linear>()->frozen();
}

// The first model's products have laid the weight out; 0 where this processor's need no layout.
std::int64_t pack_first(WarmBase& warm, const Model& model) {
  warm.share_frozen(model);
  (void)packed_of(model).forward(torch::ones({2, 8}), {});
  return packed_of(model).packed_bytes();
}

std::shared_ptr<toy::ToyModel> next_model(WarmBase& warm) {
  auto next = make_model();
  EXPECT_TRUE(warm.fill("toy", *next));
  for (auto& parameter : next->parameters()) parameter.requires_grad_(false);
  return next;
}

TEST(WarmBaseTest, WhatIsLaidOutServesEveryLaterTrial) {
  WarmBase warm;
  auto first = kept_model(warm, "toy");
  const auto bytes = pack_first(warm, *first);
  const auto product = packed_of(*first).forward(torch::ones({2, 8}), {});
  first.reset();
  for (int trial = 0; trial < 2; ++trial) {
    const auto next = next_model(warm);
    EXPECT_EQ(0, packed_of(*next).packed_bytes());
    warm.share_frozen(*next);
    EXPECT_EQ(bytes, packed_of(*next).packed_bytes());
    EXPECT_TRUE(torch::equal(product, packed_of(*next).forward(torch::ones({2, 8}), {})));
  }
}

// As PiSSA does, which changes the base while it is attached.
TEST(WarmBaseTest, WhatAnAdapterWroteToIsLaidOutAnew) {
  WarmBase warm;
  const auto first = kept_model(warm, "toy");
  pack_first(warm, *first);
  const auto next = next_model(warm);
  weight_of(*next).mul_(2);
  warm.share_frozen(*next);
  EXPECT_EQ(0, packed_of(*next).packed_bytes());
  EXPECT_TRUE(torch::allclose(weight_of(*next).sum(1),
                              packed_of(*next).forward(torch::ones({1, 8}), {})[0], 1e-5, 1e-5));
}

TEST(WarmBaseTest, TheCheckpointsHeadIsKept) {
  WarmBase warm;
  const auto model = make_model();
  model->initialise(stream_generator(0, "init/model"));
  warm.keep("toy", *model, {{"score.weight", torch::full({2, 8}, 3.0)}});
  ASSERT_TRUE(warm.fill("toy", *make_model()));
  EXPECT_TRUE(torch::equal(torch::full({2, 8}, 3.0), warm.head().at("score.weight")));
}

// Large enough for pages of its own.
TEST(FreshMemoryTest, IsOrdinaryMemoryThatOutlivesTheScope) {
  torch::Tensor large;
  torch::Tensor small;
  {
    const FreshMemory fresh;
    large = torch::empty({1 << 19}, torch::kFloat32);
    small = torch::empty({8}, torch::kFloat32);
  }
  EXPECT_EQ(0, large.count_nonzero().item<std::int64_t>());
  EXPECT_EQ(1 << 19, (large + 1).sum().item<double>());
  large.resize_({1 << 20}).fill_(2);
  EXPECT_EQ(2 << 20, large.sum().item<double>());
  EXPECT_EQ(8, small.fill_(1).sum().item<double>());
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
