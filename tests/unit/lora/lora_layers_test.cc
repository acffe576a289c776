#include "lora_layers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/tensors.h"

namespace mvn::test {
namespace {

std::shared_ptr<Linear> base_linear(std::int64_t in, std::int64_t out,
                                    torch::ScalarType type = torch::kFloat32) {
  auto linear = std::make_shared<Linear>(in, out, true, type);
  const torch::NoGradGuard no_grad;
  linear->weight.copy_(torch::randn({out, in}, generator(1)));
  linear->bias.copy_(torch::randn({out}, generator(2)));
  return linear;
}

std::shared_ptr<LoraLinear> attach(const std::shared_ptr<Linear>& base,
                                   const LoraLayerSettings& settings) {
  auto lora = std::make_shared<LoraLinear>(*base, settings);
  lora->initialise(*base, generator());
  base->attach(lora);
  return lora;
}

TEST(LoraLinear, StartsAsTheBaseLayer) {
  for (const auto start : {LoraStart::kKaiming, LoraStart::kGaussian}) {
    const auto base = base_linear(6, 5);
    const auto x = torch::randn({2, 3, 6}, generator(3));
    const auto before = base->forward(x);
    attach(base, {.r = 2, .scaling = 2, .start = start});
    EXPECT_TRUE(torch::equal(before, base->forward(x)));
  }
}

TEST(LoraLinear, AddsTheScaledProduct) {
  const auto base = base_linear(6, 5);
  const auto x = torch::randn({2, 3, 6}, generator(3));
  const auto before = base->forward(x);
  const auto lora = attach(base, {.r = 2, .scaling = 1.5, .start = LoraStart::kRandom});
  const auto expected = before + 1.5 * x.matmul(lora->lora_A.t()).matmul(lora->lora_B.t());
  EXPECT_LT(largest_difference(expected, base->forward(x)), 1e-5);
  EXPECT_LT(largest_difference(torch::linear(x, lora->merged_weight(*base), base->bias),
                               base->forward(x)),
            1e-5);
}

TEST(LoraLinear, KaimingDrawsAUniformly) {
  const auto base = base_linear(400, 300);
  const auto lora = attach(base, {.r = 32, .scaling = 1});
  EXPECT_LE(lora->lora_A.abs().max().item<double>(), 1 / 20.0);
  EXPECT_NEAR(1 / 20.0 / std::sqrt(3), lora->lora_A.std().item<double>(), 5e-4);
  EXPECT_EQ(0, lora->lora_B.abs().max().item<double>());
}

TEST(LoraLinear, GaussianDrawsAWithDeviationOneOverR) {
  const auto base = base_linear(400, 300);
  const auto lora = attach(base, {.r = 32, .scaling = 1, .start = LoraStart::kGaussian});
  EXPECT_NEAR(1 / 32.0, lora->lora_A.std().item<double>(), 5e-4);
}

TEST(LoraLinear, RandomDrawsBothAsLinearLayersAreDrawn) {
  const auto base = base_linear(400, 300);
  const auto lora = attach(base, {.r = 16, .scaling = 1, .start = LoraStart::kRandom});
  EXPECT_NEAR(1 / 4.0 / std::sqrt(3), lora->lora_B.std().item<double>(), 5e-3);
  EXPECT_LE(lora->lora_B.abs().max().item<double>(), 1 / 4.0);
}

TEST(LoraLinear, DropoutActsOnlyWhileTrainingAndOnlyOnTheUpdate) {
  const auto base = base_linear(6, 5);
  const auto lora =
      attach(base, {.r = 2, .scaling = 1, .dropout = 0.5, .start = LoraStart::kRandom});
  const auto x = torch::randn({64, 6}, generator(3));
  base->eval();
  const auto evaluated = base->forward(x);
  EXPECT_TRUE(torch::equal(evaluated, base->forward(x)));
  base->train();
  const auto update = base->forward(x) - base->base_forward(x);
  EXPECT_GT(largest_difference(update, evaluated - base->base_forward(x)), 1e-3);
  const torch::NoGradGuard no_grad;
  lora->lora_B.zero_();
  EXPECT_TRUE(torch::equal(base->base_forward(x), base->forward(x)));
}

TEST(LoraLinear, KeepsFloat32BesideAHalfPrecisionLayer) {
  const auto base = base_linear(6, 5, torch::kBFloat16);
  const auto lora = attach(base, {.r = 2, .scaling = 1});
  EXPECT_EQ(torch::kFloat32, lora->lora_A.scalar_type());
  EXPECT_EQ(torch::kBFloat16,
            base->forward(torch::randn({2, 6}, generator(3)).to(torch::kBFloat16)).scalar_type());
}

TEST(LoraLinear, PissaTakesTheLeadingPartOutOfTheWeight) {
  const auto base = base_linear(8, 6);
  const auto weight = base->weight.detach().clone();
  const auto x = torch::randn({3, 8}, generator(3));
  const auto before = base->forward(x);
  const auto lora = attach(base, {.r = 2, .scaling = 2, .start = LoraStart::kPissa});
  EXPECT_LT(largest_difference(before, base->forward(x)), 1e-5);
  const auto singular = std::get<1>(torch::linalg_svd(weight));
  const auto left = std::get<1>(torch::linalg_svd(base->weight.detach()));
  EXPECT_NEAR(singular[2].item<double>(), left[0].item<double>(), 1e-4);
  const auto taken = std::get<1>(torch::linalg_svd(2 * lora->lora_B.matmul(lora->lora_A).detach()));
  EXPECT_NEAR(singular[0].item<double>(), taken[0].item<double>(), 1e-4);
}

TEST(LoraLinear, RandomisedPissaComesCloseToTheExactOne) {
  const auto exact_base = base_linear(40, 30);
  const auto base = base_linear(40, 30);
  const auto exact = attach(exact_base, {.r = 4, .scaling = 1, .start = LoraStart::kPissa});
  const auto lora =
      attach(base, {.r = 4, .scaling = 1, .start = LoraStart::kPissa, .pissa_iterations = 40});
  EXPECT_LT(
      largest_difference(exact->lora_B.matmul(exact->lora_A), lora->lora_B.matmul(lora->lora_A)),
      1e-2);
}

TEST(LoraLinear, DoraStartsAsTheBaseLayerAndRescalesRows) {
  const auto base = base_linear(6, 5);
  const auto x = torch::randn({4, 6}, generator(3));
  const auto before = base->forward(x);
  const auto lora = attach(base, {.r = 2, .scaling = 1, .use_dora = true});
  EXPECT_LT(largest_difference(before, base->forward(x)), 1e-5);
  const torch::NoGradGuard no_grad;
  lora->lora_B.copy_(torch::randn({5, 2}, generator(4)));
  lora->lora_magnitude_vector.mul_(3);
  const auto direction = base->weight + lora->lora_B.matmul(lora->lora_A);
  const auto weight = direction * (lora->lora_magnitude_vector / direction.norm(2, 1)).unsqueeze(1);
  EXPECT_LT(largest_difference(torch::linear(x, weight, base->bias), base->forward(x)), 1e-4);
  EXPECT_LT(largest_difference(weight, lora->merged_weight(*base)), 1e-5);
}

TEST(LoraLinear, DorasNormIsAConstantToTheGradient) {
  const auto base = base_linear(3, 2);
  const auto lora =
      attach(base, {.r = 1, .scaling = 1, .use_dora = true, .start = LoraStart::kRandom});
  const auto x = torch::randn({4, 3}, generator(3));
  base->forward(x).sum().backward();
  // d/dB of m/|W + BA| * x A^T B^T with the norm held: column sums of x A^T, scaled by row.
  const auto norm = (base->weight + lora->lora_B.matmul(lora->lora_A)).detach().norm(2, 1);
  const auto expected = (lora->lora_magnitude_vector / norm).detach().unsqueeze(1) *
                        x.matmul(lora->lora_A.detach().t()).sum(0, true);
  EXPECT_LT(largest_difference(expected, lora->lora_B.grad()), 1e-4);
}

TEST(LoraEmbedding, AddsRowsOfItsOwn) {
  Embedding base(9, 4, torch::kFloat32);
  {
    const torch::NoGradGuard no_grad;
    base.weight.copy_(torch::randn({9, 4}, generator(1)));
  }
  auto lora = std::make_shared<LoraEmbedding>(base, LoraLayerSettings{.r = 2, .scaling = 1.5});
  lora->initialise(generator());
  base.attach(lora);
  const auto ids = torch::tensor({{1, 8}, {0, 1}}, torch::kLong);
  EXPECT_TRUE(torch::equal(base.base_forward(ids), base.forward(ids)));
  const torch::NoGradGuard no_grad;
  lora->lora_embedding_A.copy_(torch::randn({2, 9}, generator(4)));
  EXPECT_LT(largest_difference(torch::embedding(lora->merged_weight(base), ids), base.forward(ids)),
            1e-5);
  EXPECT_GT(largest_difference(base.base_forward(ids), base.forward(ids)), 1e-3);
}

}  // namespace
}  // namespace mvn::test
