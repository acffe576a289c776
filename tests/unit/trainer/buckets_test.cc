#include "train/trainer/buckets.h"

#include <gtest/gtest.h>

#include <set>

namespace mvn {
namespace {

TEST(BucketsTest, AreTheNextPowersOfTwoOrTheirHalfwayPoints) {
  EXPECT_EQ(bucket_of({8, 32, 256}, 64), (BatchShape{8, 32, 256}));
  EXPECT_EQ(bucket_of({16, 33, 500}, 64), (BatchShape{24, 48, 512}));
  // No example has more columns.
  EXPECT_EQ(bucket_of({4, 33, 100}, 40), (BatchShape{6, 40, 128}));
  // Eight tokens would leave none for a sixth row.
  EXPECT_EQ(bucket_of({5, 2, 8}, 64), (BatchShape{8, 2, 12}));
}

TEST(BucketsTest, HoldEveryBatchAndATokenForEveryRowMore) {
  std::set<BatchShape> buckets;
  for (std::int64_t rows = 1; rows <= 40; ++rows) {
    for (std::int64_t columns = 1; columns <= 40; ++columns) {
      for (std::int64_t tokens = rows + columns - 1; tokens <= rows * columns; ++tokens) {
        const auto bucket = bucket_of({rows, columns, tokens}, 40);
        const auto more = bucket.tokens - tokens;
        ASSERT_GE(bucket.columns, columns);
        ASSERT_LE(bucket.rows - rows, more);
        ASSERT_LE(more, (bucket.rows - rows) * bucket.columns);
        buckets.insert(bucket);
      }
    }
  }
  EXPECT_LT(buckets.size(), 600U);
}

Batch small_batch() {
  return {.ids = torch::tensor({{5, 6, 7}, {8, 0, 0}}),
          .mask = torch::tensor({{1, 1, 1}, {1, 0, 0}}).to(torch::kBool),
          .labels = torch::tensor({1, 0}),
          .examples = {4, 9}};
}

TEST(BucketsTest, APaddedBatchHasTheTokensOfItsBucketBehindItsOwn) {
  const auto batch = small_batch();
  const auto padded = pad_to(batch, {4, 4, 9});
  EXPECT_EQ(shape_of(padded), (BatchShape{4, 4, 9}));
  EXPECT_TRUE(torch::equal(padded.ids.narrow(0, 0, 2).narrow(1, 0, 3), batch.ids));
  EXPECT_TRUE(torch::equal(padded.mask.sum(1), torch::tensor({3, 1, 4, 1})));
  EXPECT_TRUE(torch::equal(padded.mask.narrow(0, 0, 2).narrow(1, 0, 3), batch.mask));
  EXPECT_TRUE(torch::equal(padded.labels, torch::tensor({1, 0, -100, -100})));
  EXPECT_EQ(padded.examples, batch.examples);
}

TEST(BucketsTest, LabelsOfTokensArePaddedOnBothSides) {
  auto batch = small_batch();
  batch.labels = torch::tensor({{6, 7, 1}, {2, -100, -100}});
  const auto padded = pad_to(batch, {3, 4, 6});
  EXPECT_TRUE(torch::equal(
      padded.labels,
      torch::tensor({{6, 7, 1, -100}, {2, -100, -100, -100}, {-100, -100, -100, -100}})));
}

}  // namespace
}  // namespace mvn
