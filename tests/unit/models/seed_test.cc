#include "mvn/seed.h"

#include <gtest/gtest.h>

#include <vector>

namespace mvn::test {
namespace {

std::vector<std::uint64_t> three_of(std::int64_t step) {
  const SeedScope scope(torch::tensor(step));
  return {draw_seed().number, draw_seed().number, draw_seed().number};
}

TEST(Seed, IsDrawnFromTheGeneratorOutsideOfAScope) {
  torch::manual_seed(3);
  const auto first = draw_seed().number;
  const auto second = draw_seed().number;
  EXPECT_NE(first, second);
  torch::manual_seed(3);
  static_cast<void>(three_of(5));
  EXPECT_EQ(first, draw_seed().number);
}

TEST(Seed, FollowsFromTheStepAndItsPlaceAloneInAScope) {
  torch::manual_seed(3);
  const auto seeds = three_of(5);
  torch::manual_seed(4);
  EXPECT_EQ(seeds, three_of(5));
  const auto others = three_of(6);
  for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_EQ(seeds[i] + 1, others[i]);
  EXPECT_NE(seeds[0], seeds[1]);
}

// Elsewhere the host does not read the step: whoever uses the seed adds it there.
TEST(Seed, LeavesAStepOnADeviceWhereItIs) {
  const auto step = torch::empty({}, torch::dtype(torch::kInt64).device(torch::kMeta));
  const SeedScope scope(step);
  const auto seed = draw_seed();
  EXPECT_TRUE(seed.step.is_same(step));
  EXPECT_EQ(three_of(0)[0], seed.number);
}

}  // namespace
}  // namespace mvn::test
