// Products of bfloat16 tensors, which a processor without such products computes in float32: under
// the lower instruction sets (models_test.avx2) these are the widened ones.
#include "train/sdk/bf16_products.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "mvn/attention.h"
#include "mvn/torch.h"
#include "support/tensors.h"
#include "train/trainer/precision.h"

namespace mvn::test {
namespace {

using torch::Tensor;

constexpr double kHalf = 4e-3;  // bfloat16 has 8 bits: a result that is rounded once

class Bf16Products : public testing::Test {
 protected:
  void SetUp() override { widen_bf16_products(); }

  static Tensor halves(std::vector<std::int64_t> shape, std::uint64_t seed) {
    return torch::randn(shape, generator(seed)).to(torch::kBFloat16);
  }
  static Tensor exact(const Tensor& x) { return x.detach().to(torch::kDouble); }

  // `got` is of bfloat16, each of its numbers the nearest to `expected` but for the sums' order.
  static void expect_rounded(const Tensor& expected, const Tensor& got) {
    ASSERT_EQ(got.scalar_type(), torch::kBFloat16);
    ASSERT_EQ(got.sizes(), expected.sizes());
    const auto scale = expected.abs().max();
    EXPECT_LT(((expected - exact(got)).abs().max() / scale).item<double>(), kHalf);
  }
};

TEST_F(Bf16Products, OfMatrices) {
  const auto a = halves({37, 300}, 1);
  const auto b = halves({300, 65}, 2);
  const auto c = halves({37, 65}, 3);
  const auto product = exact(a).mm(exact(b));
  expect_rounded(product, a.mm(b));
  expect_rounded(product, torch::matmul(a, b));
  expect_rounded(product, a.t().contiguous().t().mm(b));
  expect_rounded(exact(c) * 0.5 + 2 * product, torch::addmm(c, a, b, 0.5, 2));
  auto out = torch::empty({0}, torch::kBFloat16);
  expect_rounded(product, torch::mm_out(out, a, b));
  auto sum = c.clone();
  const auto* const place = sum.const_data_ptr();
  sum.addmm_(a, b, 1, 0.25);
  expect_rounded(exact(c) + 0.25 * product, sum);
  EXPECT_EQ(sum.const_data_ptr(), place);
}

TEST_F(Bf16Products, OfBatches) {
  const auto a = halves({5, 17, 40}, 1);
  const auto b = halves({5, 40, 9}, 2);
  const auto c = halves({5, 17, 9}, 3);
  const auto product = exact(a).bmm(exact(b));
  expect_rounded(product, a.bmm(b));
  expect_rounded(exact(c) - product, torch::baddbmm(c, a, b, 1, -1));
  auto sum = c.clone();
  sum.baddbmm_(a, b);
  expect_rounded(exact(c) + product, sum);
}

TEST_F(Bf16Products, OtherTypesAreAsTheyWere) {
  for (const auto type : {torch::kFloat32, torch::kDouble, torch::kHalf, torch::kInt64}) {
    const auto a = torch::arange(6, type).view({2, 3});
    const auto expected = torch::tensor({5, 14, 14, 50}, torch::kInt64).view({2, 2});
    EXPECT_TRUE(torch::equal(a.mm(a.t()).to(torch::kInt64), expected)) << type;
  }
  EXPECT_THROW((void)halves({2, 3}, 1).mm(torch::ones({3, 2})), c10::Error);
  EXPECT_THROW((void)halves({2, 3}, 1).mm(halves({2, 3}, 2)), c10::Error);
}

// What a layer that trains computes in bf16 precision: fp32 weights under autocast.
TEST_F(Bf16Products, UnderAutocastWithGradients) {
  auto x = torch::randn({20, 64}, generator(1)).requires_grad_(true);
  auto weight = torch::randn({48, 64}, generator(2)).requires_grad_(true);
  const auto factors = torch::randn({20, 48}, generator(3));
  Tensor y;
  {
    const AutocastScope autocast(/*enabled=*/true, torch::kCPU);
    y = torch::linear(x, weight);
  }
  (y.to(torch::kFloat32) * factors).sum().backward();
  const auto rounded = [](const Tensor& t) { return exact(t.detach().to(torch::kBFloat16)); };
  expect_rounded(rounded(x).mm(rounded(weight).t()), y.detach());
  EXPECT_LT(relative_error(rounded(factors).mm(rounded(weight)), x.grad()), 2e-2);
  EXPECT_LT(relative_error(rounded(factors).t().mm(rounded(x)), weight.grad()), 2e-2);
}

TEST_F(Bf16Products, OfAttentionUnderAutocast) {
  const auto q = halves({2, 3, 300, 16}, 1);
  const auto k = halves({2, 3, 300, 16}, 2);
  const auto v = halves({2, 3, 300, 16}, 3);
  const Visible all{.causal = true, .window = 0, .mask = {}};
  const AutocastScope autocast(/*enabled=*/true, torch::kCPU);
  const auto got = attend(q, k, v, all, 0.25, 0);
  const auto scores = exact(q).matmul(exact(k).transpose(2, 3)) * 0.25;
  const auto hidden = torch::ones({300, 300}, torch::kBool).triu(1);
  const auto expected = torch::softmax(scores.masked_fill(hidden, -INFINITY), -1).matmul(exact(v));
  EXPECT_LT(relative_error(expected, got), 2e-2);
}

}  // namespace
}  // namespace mvn::test
