#include "mvn/norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/tensors.h"

namespace mvn::test {
namespace {

using torch::Tensor;

constexpr double kEpsilon = 1e-5;

struct Result {
  Tensor y, dx, dw;
};

RmsNorm layer_of(std::int64_t width, torch::ScalarType type) {
  RmsNorm layer(width, kEpsilon, type);
  const torch::NoGradGuard no_grad;
  layer.weight.copy_(torch::randn({width}, generator(2)) + 1);
  return layer;
}

Result with_gradients(const Tensor& y, const Tensor& x, const Tensor& weight) {
  const auto factors = torch::randn(y.sizes(), generator(4)).to(y.options());
  const auto gradients = torch::autograd::grad({(y * factors).sum()}, {x, weight});
  return {y.detach(), gradients[0], gradients[1]};
}

Result expected_of(const Tensor& given, const Tensor& given_weight, torch::ScalarType type) {
  const auto x = given.detach().to(torch::kDouble).requires_grad_(true);
  const auto weight = given_weight.detach().to(torch::kDouble).requires_grad_(true);
  const auto y = x * torch::rsqrt(x.square().mean(-1, true) + kEpsilon) * weight;
  const auto factors = torch::randn(y.sizes(), generator(4)).to(type).to(torch::kDouble);
  const auto gradients = torch::autograd::grad({(y * factors).sum()}, {x, weight});
  return {y.detach(), gradients[0], gradients[1]};
}

void expect_norm(const Tensor& given, torch::ScalarType type, double bound) {
  auto layer = layer_of(given.size(-1), type);
  const auto x = given.detach().requires_grad_(true);
  const auto y = layer.forward(x);
  const auto got = with_gradients(y, x, layer.weight);
  const auto expected = expected_of(given, layer.weight, type);
  EXPECT_EQ(type, y.scalar_type());
  EXPECT_EQ(given.scalar_type(), got.dx.scalar_type());
  EXPECT_EQ(given.sizes(), y.sizes());
  EXPECT_LT(relative_error(expected.y, got.y), bound);
  EXPECT_LT(relative_error(expected.dx, got.dx), bound);
  EXPECT_LT(relative_error(expected.dw, got.dw), bound);
}

TEST(RmsNorm, IsThatOfFloat64) {
  const auto wide = torch::randn({7, 90}, generator(1)) * 3;
  const std::vector<Tensor> all = {torch::randn({3, 45}, generator(1)),
                                   torch::randn({2, 19, 64}, generator(1)) * 100,
                                   torch::randn({1, 3}, generator(1)),
                                   torch::randn({50, 768}, generator(1)),
                                   wide.t(),
                                   wide.narrow(1, 3, 17)};
  for (const auto& x : all) {
    SCOPED_TRACE(testing::Message() << x.sizes());
    expect_norm(x, torch::kFloat32, 1e-5);
    expect_norm(x, torch::kBFloat16, 2e-2);
    expect_norm(x.to(torch::kBFloat16), torch::kBFloat16, 2e-2);
    expect_norm(x.to(torch::kDouble), torch::kDouble, 1e-12);
  }
}

TEST(RmsNorm, RoundsToTheWeightsTypeBeforeTheProduct) {
  auto layer = layer_of(64, torch::kBFloat16);
  const torch::NoGradGuard no_grad;
  // Powers of two: the mean of the squares, and so the scale, are the same in any order of sums.
  const auto x = torch::pow(2.0, torch::randint(-3, 3, {5, 64}, generator(3)));
  const auto scale = torch::rsqrt(x.square().mean(-1, true) + kEpsilon);
  const auto expected = (x * scale).to(torch::kBFloat16) * layer.weight;
  EXPECT_LE((layer.forward(x) != expected).sum().item<std::int64_t>(), 2);
}

TEST(RmsNorm, GivesTheInputsGradientAlone) {
  auto layer = layer_of(20, torch::kFloat32);
  layer.weight.requires_grad_(false);
  const auto x = torch::randn({4, 20}, generator(1)).requires_grad_(true);
  const auto alone = torch::autograd::grad({layer.forward(x).square().sum()}, {x})[0];
  layer.weight.requires_grad_(true);
  const auto both = torch::autograd::grad({layer.forward(x).square().sum()}, {x})[0];
  EXPECT_TRUE(torch::equal(alone, both));
}

TEST(RmsNorm, OfNoRowsIsEmpty) {
  auto layer = layer_of(20, torch::kFloat32);
  EXPECT_EQ((std::vector<std::int64_t>{0, 20}), layer.forward(torch::zeros({0, 20})).sizes().vec());
}

TEST(RmsNorm, DoesNotDependOnTheThreads) {
  const int before = at::get_num_threads();
  auto layer = layer_of(203, torch::kFloat32);
  const auto x = torch::randn({301, 203}, generator(1)).requires_grad_(true);
  at::set_num_threads(1);
  const auto one = with_gradients(layer.forward(x), x, layer.weight);
  at::set_num_threads(3);
  const auto three = with_gradients(layer.forward(x), x, layer.weight);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one.y, three.y));
  EXPECT_TRUE(torch::equal(one.dx, three.dx));
}

}  // namespace
}  // namespace mvn::test
