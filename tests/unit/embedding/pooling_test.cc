#include "pooling.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/tensors.h"
#include "support/tiny_model.h"

namespace mvn::test {
namespace {

using torch::Tensor;

// Two texts of 3 and 2 tokens, one number a token, padded on the right or on the left.
Tensor pooled_of(const std::string& name, bool left) {
  const auto hidden = left ? torch::tensor({{1.0F, -4.0F, 2.0F}, {99.0F, -5.0F, -3.0F}})
                           : torch::tensor({{1.0F, -4.0F, 2.0F}, {-5.0F, -3.0F, 99.0F}});
  const auto mask = left ? torch::tensor({{1, 1, 1}, {0, 1, 1}}, torch::kInt)
                         : torch::tensor({{1, 1, 1}, {1, 1, 0}}, torch::kInt);
  return pooled(pooling_from(name), hidden.unsqueeze(2), mask.to(torch::kBool)).squeeze(1);
}

TEST(Pooling, IsItsDefinitionWhicheverSideIsPadded) {
  const std::map<std::string, Tensor> expected = {
      {"last", torch::tensor({2.0F, -3.0F})},
      {"cls", torch::tensor({1.0F, -5.0F})},
      {"max", torch::tensor({2.0F, -3.0F})},
      {"mean", torch::tensor({-1.0F / 3, -4.0F})},
      {"weighted_mean", torch::tensor({(1.0F - 8 + 6) / 6, (-5.0F - 6) / 3})},
  };
  EXPECT_EQ(expected.size(), pooling_names().size());
  for (const auto& name : pooling_names()) {
    for (const bool left : {false, true}) {
      EXPECT_LT(largest_difference(expected.at(name), pooled_of(name, left)), 1e-6)
          << name << " " << left;
    }
  }
}

TEST(Pooling, OfAModelAPaddedTextIsTheTextAlone) {
  TinyModel model(20, 6, 2);
  const torch::NoGradGuard no_grad;
  const auto ids = torch::tensor({{3, 4, 5, 6}, {7, 8, 0, 0}}, torch::kLong);
  const auto mask = torch::tensor({{1, 1, 1, 1}, {1, 1, 0, 0}}, torch::kInt).to(torch::kBool);
  const auto alone = torch::tensor({{7, 8}}, torch::kLong);
  for (const auto& name : pooling_names()) {
    const auto pooling = pooling_from(name);
    const auto both = embed(model, pooling, ids, mask);
    EXPECT_EQ((std::vector<std::int64_t>{2, 6}), both.sizes().vec());
    const auto one = embed(model, pooling, alone, torch::ones_like(alone, torch::kBool));
    EXPECT_LT(relative_error(one[0], both[1]), 1e-6) << name;
    EXPECT_LT(relative_error(pooled(pooling, model.forward(ids, mask), mask), both), 1e-6) << name;
  }
}

}  // namespace
}  // namespace mvn::test
