#include "mvn/real_tokens.h"

#include <gtest/gtest.h>

#include "support/dispatched.h"
#include "support/tensors.h"

namespace mvn::test {
namespace {

torch::Tensor mask_of(std::initializer_list<std::initializer_list<int>> rows) {
  std::vector<torch::Tensor> all;
  for (const auto& row : rows) all.push_back(torch::tensor(std::vector<int>(row)));
  return torch::stack(all).to(torch::kBool);
}

TEST(RealTokens, ArePackedRowByRowAndPutBackAmongZeros) {
  const auto mask = mask_of({{1, 1, 0}, {0, 1, 0}, {0, 1, 1}});
  const auto ids = torch::arange(9).reshape({3, 3});
  const auto tokens = real_tokens(ids, mask);
  EXPECT_TRUE(torch::equal(torch::tensor({0, 1, 4, 7, 8}), pack(ids, tokens)));
  EXPECT_TRUE(torch::equal(torch::tensor({0, 2, 3, 5}), tokens.offsets));
  EXPECT_TRUE(tokens.early_padding);
  EXPECT_TRUE(torch::equal(ids * mask, unpack(pack(ids, tokens), tokens)));
  const auto positions = torch::tensor({1, 1, 2});
  EXPECT_TRUE(torch::equal(torch::tensor({1, 2, 4}), packed_index(positions, mask, tokens)));
}

TEST(RealTokens, AreAllOfThemWithoutPadding) {
  const auto x = torch::randn({2, 3, 4}, generator());
  for (const auto& mask : {torch::Tensor(), torch::ones({2, 3}, torch::kBool)}) {
    const auto tokens = real_tokens(torch::zeros({2, 3}, torch::kLong), mask);
    EXPECT_FALSE(tokens.indices.defined());
    EXPECT_TRUE(torch::equal(torch::tensor({0, 3, 6}), tokens.offsets));
    EXPECT_FALSE(tokens.early_padding);
    EXPECT_TRUE(torch::equal(x.flatten(0, 1), pack(x, tokens)));
    EXPECT_TRUE(torch::equal(x, unpack(pack(x, tokens), tokens)));
    const auto positions = torch::tensor({2, 0});
    EXPECT_TRUE(torch::equal(torch::tensor({2, 3}), packed_index(positions, mask, tokens)));
  }
}

// Known are those of the very tensor, as long as whoever knows them lives.
TEST(RealTokens, AreTakenFromWhoKnowsThem) {
  const auto ids = torch::zeros({2, 2}, torch::kLong);
  const auto mask = mask_of({{1, 0}, {1, 1}});
  const auto told = real_tokens(ids, mask_of({{1, 0}, {1, 0}}));
  {
    const KnownTokens known(mask, told);
    const KnownTokens other(mask_of({{1, 1}, {1, 1}}), real_tokens(ids, {}));
    EXPECT_TRUE(torch::equal(told.indices, real_tokens(ids, mask).indices));
    EXPECT_EQ(nullptr, KnownTokens::of(mask.clone()));
  }
  EXPECT_TRUE(torch::equal(torch::tensor({0, 2, 3}), real_tokens(ids, mask).indices));
}

TEST(RealTokens, HaveTheGradientsOfTheirPlaces) {
  const auto mask = mask_of({{0, 1}, {1, 0}});
  const auto tokens = real_tokens(torch::zeros({2, 2}, torch::kLong), mask);
  const auto x = torch::randn({2, 2, 3}, generator()).requires_grad_(true);
  const auto weights = torch::randn({2, 2, 3}, generator(6));
  (unpack(pack(x, tokens), tokens) * weights).sum().backward();
  EXPECT_TRUE(torch::equal(weights * mask.unsqueeze(2), x.grad()));
}

TEST(RealTokens, MayBeNone) {
  const auto mask = torch::zeros({2, 2}, torch::kBool);
  const auto tokens = real_tokens(torch::zeros({2, 2}, torch::kLong), mask);
  const auto x = torch::randn({2, 2, 3}, generator()).requires_grad_(true);
  const auto y = unpack(pack(x, tokens), tokens);
  EXPECT_TRUE(torch::equal(torch::zeros({2, 2, 3}), y));
  y.sum().backward();
  EXPECT_TRUE(torch::equal(torch::zeros({2, 2, 3}), x.grad()));
}

// Nothing that LibTorch takes a sort for where results are to be the same each time.
TEST(RealTokens, AreMovedByGathersAlone) {
  const auto tokens =
      real_tokens(torch::zeros({2, 3}, torch::kLong), mask_of({{1, 1, 0}, {1, 0, 0}}));
  const auto packed = torch::randn({3, 4}, generator()).requires_grad_(true);
  const auto padded = torch::randn({2, 3, 4}, generator()).requires_grad_(true);
  const auto d_padded = torch::randn({2, 3, 4}, generator());
  const auto d_packed = torch::randn({3, 4}, generator());
  const std::map<std::string, int> expected = {{"aten::index_select", 2},
                                               {"aten::masked_fill_", 1}};
  for (const bool packs : {true, false}) {
    const Dispatched counted;
    const auto y = packs ? pack(padded, tokens) : unpack(packed, tokens);
    static_cast<void>(
        torch::autograd::grad({y}, {packs ? padded : packed}, {packs ? d_packed : d_padded}));
    EXPECT_EQ(expected, Dispatched::counts()) << packs;
  }
}

}  // namespace
}  // namespace mvn::test
