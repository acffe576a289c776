#include "train/trainer/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mvn {
namespace {

std::vector<std::int32_t> uneven_lengths(std::size_t count) {
  std::mt19937 random(1);
  std::vector<std::int32_t> lengths(count);
  for (auto& length : lengths) length = static_cast<std::int32_t>(1 + random() % 60);
  return lengths;
}

std::vector<std::int64_t> sorted_examples(const std::vector<ExampleList>& batches) {
  std::vector<std::int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  return all;
}

std::int64_t width(const ExampleList& batch, const std::vector<std::int32_t>& lengths) {
  std::int64_t longest = 0;
  for (const auto i : batch) longest = std::max<std::int64_t>(longest, lengths[std::size_t(i)]);
  return longest;
}

double padding_share(const std::vector<ExampleList>& batches,
                     const std::vector<std::int32_t>& lengths) {
  double tokens = 0;
  double cells = 0;
  for (const auto& batch : batches) {
    for (const auto i : batch) tokens += lengths[std::size_t(i)];
    cells += static_cast<double>(width(batch, lengths)) * static_cast<double>(batch.size());
  }
  return 1 - tokens / cells;
}

TEST(BatchesTest, EveryExampleOnceInBatchesOfTheSizeAsked) {
  const auto lengths = uneven_lengths(5000);
  TrainingOptions options;
  options.batch_size = 32;
  const auto batches = plan_epoch(lengths, options, 0, 0);
  EXPECT_EQ(batches.size(), 157U);
  const auto all = sorted_examples(batches);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], std::int64_t(i));
  EXPECT_EQ(std::count_if(batches.begin(), batches.end(),
                          [](const auto& batch) { return batch.size() == 32; }),
            156);
  EXPECT_EQ(plan_epoch(uneven_lengths(20'001), options, 0, 0).size(), 626U);  // several windows
}

TEST(BatchesTest, LengthsGoTogetherSoThatPaddingIsRare) {
  const auto lengths = uneven_lengths(5000);
  TrainingOptions options;
  options.batch_size = 32;
  EXPECT_LT(padding_share(plan_epoch(lengths, options, 0, 0), lengths), 0.03);
}

TEST(BatchesTest, TheOrderFollowsFromSeedAndEpoch) {
  const auto lengths = uneven_lengths(300);
  const TrainingOptions options;
  EXPECT_EQ(plan_epoch(lengths, options, 7, 3), plan_epoch(lengths, options, 7, 3));
  EXPECT_NE(plan_epoch(lengths, options, 7, 3), plan_epoch(lengths, options, 7, 4));
  EXPECT_NE(plan_epoch(lengths, options, 7, 3), plan_epoch(lengths, options, 8, 3));
}

// The order is part of what a seed means: it must not change from one release to the next.
TEST(BatchesTest, TheOrderIsTheSameForEver) {
  const std::vector<std::int32_t> lengths(6, 1);
  TrainingOptions options;
  options.batch_size = 2;
  EXPECT_EQ(plan_epoch(lengths, options, 0, 0), (std::vector<ExampleList>{{5, 4}, {0, 3}, {2, 1}}));
}

TEST(BatchesTest, BatchesByTokensKeepWithinThem) {
  auto lengths = uneven_lengths(2000);
  lengths[5] = 1000;  // alone longer than a batch
  TrainingOptions options;
  options.batch_tokens = 512;
  const auto batches = plan_epoch(lengths, options, 0, 0);
  EXPECT_EQ(sorted_examples(batches).size(), 2000U);
  for (const auto& batch : batches) {
    const auto cells = width(batch, lengths) * std::int64_t(batch.size());
    EXPECT_TRUE(cells <= 512 || batch == ExampleList{5}) << cells;
  }
  EXPECT_LT(padding_share(batches, lengths), 0.03);
}

TEST(BatchesTest, EvaluationStartsWithTheLongest) {
  const std::vector<std::int32_t> lengths = {3, 9, 1, 9, 5};
  TrainingOptions options;
  options.micro_batch_size = 2;
  EXPECT_EQ(plan_evaluation(lengths, options), (std::vector<ExampleList>{{3}, {4, 1}, {2, 0}}));
}

TEST(BatchesTest, EvaluationKeepsWithinBothLimits) {
  const std::vector<std::int32_t> lengths = {3, 9, 1, 9, 5};
  TrainingOptions options;
  options.batch_tokens = 12;
  options.micro_batch_size = 2;
  EXPECT_EQ(plan_evaluation(lengths, options), (std::vector<ExampleList>{{3}, {1}, {4}, {2, 0}}));
  options.micro_batch_size = 1;
  EXPECT_EQ(plan_evaluation(lengths, options).size(), 5U);
}

}  // namespace
}  // namespace mvn
