// Frozen layers, whose weights are packed, beside the plain product.
#include "mvn/linear.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/tensors.h"
#include "support/threads.h"

namespace mvn::test {
namespace {

using torch::Tensor;

Linear frozen_layer(std::int64_t in, std::int64_t out, bool has_bias, torch::ScalarType type) {
  Linear layer(in, out, has_bias, type);
  const torch::NoGradGuard no_grad;
  layer.weight.copy_(torch::randn({out, in}, generator(1)));
  layer.weight.requires_grad_(false);
  if (has_bias) layer.bias.copy_(torch::randn({out}, generator(2))).requires_grad_(false);
  return layer;
}

Tensor random_input(std::vector<std::int64_t> rows, std::int64_t in, torch::ScalarType type) {
  rows.push_back(in);
  return torch::randn(rows, generator(3)).to(type).requires_grad_(true);
}

// The output and the gradient of x, of a weighted sum.
std::vector<Tensor> with_gradient(const Tensor& y, const Tensor& x) {
  const auto weights = torch::randn(y.sizes(), generator(4)).to(y.options());
  return {y.detach(), torch::autograd::grad({(y * weights).sum()}, {x})[0]};
}

Tensor wide(const Tensor& x) { return x.detach().to(torch::kDouble); }

struct Sizes {
  std::vector<std::int64_t> rows;
  std::int64_t in, out;
};

TEST(FrozenLinear, IsTheProductInFloat64) {
  const std::vector<Sizes> all = {{{}, 9, 5},       {{1}, 67, 45},    {{3, 1}, 1, 1},
                                  {{2, 65}, 67, 1}, {{29}, 1030, 80}, {{2, 3, 7}, 130, 523}};
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const bool has_bias : {false, true}) {
      for (const auto& [rows, in, out] : all) {
        auto layer = frozen_layer(in, out, has_bias, type);
        ASSERT_TRUE(layer.frozen());
        const auto x = random_input(rows, in, type);
        const auto x_wide = wide(x).requires_grad_(true);
        const auto expected = with_gradient(
            torch::linear(x_wide, wide(layer.weight), has_bias ? wide(layer.bias) : Tensor()),
            x_wide);
        const auto got = with_gradient(layer.forward(x), x);
        const double bound = type == torch::kFloat32 ? 1e-5 : 2e-2;
        EXPECT_EQ(expected[0].sizes(), got[0].sizes());
        EXPECT_LT(relative_error(expected[0], got[0]), bound) << in << " to " << out;
        EXPECT_LT(relative_error(expected[1], got[1]), bound) << in << " to " << out;
        const torch::NoGradGuard no_grad;
        EXPECT_TRUE(torch::equal(got[0], layer.forward(x)));
      }
    }
  }
}

// A transposed input, and the gradient of a sum, which is one number for all places.
TEST(FrozenLinear, TakesTensorsOfAnyStrides) {
  auto layer = frozen_layer(33, 20, /*has_bias=*/true, torch::kFloat32);
  const Tensor x = torch::randn({33, 4, 5}, generator(3)).permute({2, 1, 0}).requires_grad_(true);
  const auto y = layer.forward(x);
  EXPECT_LT(relative_error(torch::linear(wide(x), wide(layer.weight), wide(layer.bias)), y), 1e-5);
  const auto gradient = torch::autograd::grad({y.sum()}, {x})[0];
  EXPECT_LT(relative_error(wide(layer.weight).sum(0).expand({5, 4, 33}), gradient), 1e-5);
}

TEST(FrozenLinear, TakesNoRows) {
  auto layer = frozen_layer(6, 4, /*has_bias=*/true, torch::kFloat32);
  EXPECT_EQ((std::vector<std::int64_t>{0, 4}), layer.forward(torch::zeros({0, 6})).sizes().vec());
}

TEST(FrozenLinear, DoesNotDependOnTheNumberOfThreads) {
  const int threads = torch::get_num_threads();
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const std::int64_t rows : {1, 16, 401}) {
      auto layer = frozen_layer(768, 769, /*has_bias=*/true, type);
      const auto x = random_input({rows}, 768, type);
      torch::set_num_threads(1);
      const auto alone = with_gradient(layer.forward(x), x);
      torch::set_num_threads(3);
      const auto together = with_gradient(layer.forward(x), x);
      SCOPED_TRACE(rows);
      expect_same(alone[0], together[0], type);
      expect_same(alone[1], together[1], type);
    }
  }
  torch::set_num_threads(threads);
}

TEST(FrozenLinear, FollowsAWeightThatChanges) {
  auto layer = frozen_layer(8, 8, /*has_bias=*/false, torch::kFloat32);
  const Tensor x = torch::ones({2, 8});
  const auto before = layer.forward(x);
  layer.weight.mul_(2);
  EXPECT_TRUE(torch::allclose(2 * before, layer.forward(x), 1e-6, 1e-6));
}

TEST(FrozenLinear, IsNotPackedWhereItTrains) {
  Linear layer(4, 3, /*has_bias=*/true, torch::kFloat32);
  EXPECT_FALSE(layer.frozen());
  layer.weight.requires_grad_(false);
  EXPECT_FALSE(layer.frozen());  // the bias trains
  layer.bias.requires_grad_(false);
  EXPECT_TRUE(layer.frozen());
  Linear wide_layer(4, 3, /*has_bias=*/false, torch::kFloat64);
  wide_layer.weight.requires_grad_(false);
  EXPECT_FALSE(wide_layer.frozen());
}

TEST(FrozenWeight, KnowsItsTensorUnchanged) {
  auto weight = torch::randn({3, 4}, generator(1));
  FrozenWeight frozen(weight);
  EXPECT_TRUE(frozen.is_of(weight));
  EXPECT_FALSE(frozen.is_of(weight.clone()));
  weight.add_(1);
  EXPECT_FALSE(frozen.is_of(weight));
}

// One layer's product lays its weight out for the next layer of the same memory.
TEST(FrozenWeight, TakesOverWhatIsPacked) {
  const auto weight = torch::randn({3, 4}, generator(1));
  const auto x = torch::randn({2, 4}, generator(2));
  FrozenWeight first(weight);
  const auto y = first.forward(x, {});
  const auto bytes = first.packed_bytes();
  FrozenWeight second(weight.variable_data());
  second.take_packed(first);
  EXPECT_EQ(bytes, second.packed_bytes());
  EXPECT_EQ(0, first.packed_bytes());
  EXPECT_TRUE(torch::equal(y, second.forward(x, {})));
  EXPECT_EQ(bytes, second.packed_bytes());
  EXPECT_TRUE(torch::equal(y, first.forward(x, {})));
}

TEST(FrozenWeight, TakesNothingThatIsNotItsOwn) {
  auto weight = torch::randn({3, 4}, generator(1));
  const auto x = torch::randn({2, 4}, generator(2));
  FrozenWeight first(weight);
  (void)first.forward(x, {});
  FrozenWeight copy(weight.clone());
  copy.take_packed(first);
  EXPECT_EQ(0, copy.packed_bytes());
  weight.mul_(2);
  FrozenWeight changed(weight);
  changed.take_packed(first);
  EXPECT_EQ(0, changed.packed_bytes());
  EXPECT_LT(relative_error(torch::linear(wide(x), wide(weight)), changed.forward(x, {})), 1e-5);
}

}  // namespace
}  // namespace mvn::test
