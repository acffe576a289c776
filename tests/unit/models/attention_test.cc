#include "mvn/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/gpu.h"
#include "support/tensors.h"
#include "train/trainer/precision.h"

namespace mvn::test {
namespace {

using torch::Tensor;

// What a query sees, said plainly; padding sees itself.
Tensor visible_BLL(const Tensor& mask_BL, std::int64_t window) {
  const auto length = mask_BL.size(1);
  auto visible = torch::zeros({mask_BL.size(0), length, length}, torch::kBool);
  auto sees = visible.accessor<bool, 3>();
  const auto real = mask_BL.accessor<bool, 2>();
  for (std::int64_t b = 0; b < mask_BL.size(0); ++b) {
    for (std::int64_t i = 0; i < length; ++i) {
      for (std::int64_t j = 0; j <= i; ++j) {
        const bool near = window == 0 || i - j < window;
        sees[b][i][j] = i == j || (near && real[b][j]);
      }
    }
  }
  return visible;
}

Tensor plain(const std::vector<Tensor>& qkv, const Tensor& mask_BL, std::int64_t window,
             double scale) {
  const auto scores = qkv[0].matmul(qkv[1].transpose(2, 3)) * scale;
  const auto hidden = visible_BLL(mask_BL, window).logical_not().unsqueeze(1);
  return scores.masked_fill(hidden, -INFINITY).softmax(-1).matmul(qkv[2]);
}

std::vector<Tensor> random_qkv(std::int64_t batch, std::int64_t length,
                               const torch::TensorOptions& options) {
  std::vector<Tensor> qkv;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    qkv.push_back(
        torch::randn({batch, 2, length, 8}, generator(seed)).to(options).requires_grad_(true));
  }
  return qkv;
}

// Output and gradients at the real tokens; the largest difference relative to the largest value of
// any of them. The gradients of q and k are differences of what that of v is made of: where a query
// sees one key they are exactly zero, and nothing of their own to measure an error against.
double error_against_plain(const Tensor& mask_BL, std::int64_t window, double scale,
                           const torch::TensorOptions& options = torch::kFloat32) {
  const auto length = mask_BL.size(1);
  const auto narrow = random_qkv(mask_BL.size(0), length, options);
  std::vector<Tensor> wide;
  for (const auto& each : narrow) {
    wide.push_back(each.detach().to(torch::kCPU, torch::kDouble).requires_grad_(true));
  }
  const auto weights = torch::randn(narrow[0].sizes(), generator(4)) *
                       mask_BL.to(torch::kFloat32).unsqueeze(1).unsqueeze(3);
  const auto mask = mask_BL.to(options.device());
  const auto visible = visible_keys(torch::zeros_like(mask, torch::kLong), mask, window);
  const auto got =
      attend(narrow[0], narrow[1], narrow[2], visible, scale, 0) * weights.to(narrow[0].options());
  const auto expected = plain(wide, mask_BL, window, scale) * weights;
  auto ours = torch::autograd::grad({got.sum()}, narrow);
  auto theirs = torch::autograd::grad({expected.sum()}, wide);
  ours.push_back(got);
  theirs.push_back(expected);
  return relative_error(torch::stack(theirs), torch::stack(ours));
}

TEST(RelativeError, OfWhatShouldBeZeroIsTheDifference) {
  const auto zeros = torch::zeros({3});
  EXPECT_EQ(0, relative_error(zeros, zeros));
  EXPECT_EQ(0.25, relative_error(zeros, torch::tensor({0.0, -0.25, 0.125})));
  EXPECT_EQ(0.5, relative_error(torch::tensor({0.0, -2.0}), torch::tensor({1.0, -2.0})));
  EXPECT_TRUE(std::isnan(relative_error(zeros, torch::full({3}, NAN))));
  EXPECT_TRUE(std::isnan(worse(worse(1, NAN), 2)));
}

TEST(Attention, WindowsAreExactAtEveryLength) {
  for (const std::int64_t length : {1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 65}) {
    const auto mask = torch::ones({2, length}, torch::kBool);
    EXPECT_LT(error_against_plain(mask, /*window=*/8, 1.0), 1e-5) << length;
    EXPECT_LT(error_against_plain(mask, /*window=*/0, 0.5), 1e-5) << length;
    EXPECT_LT(error_against_plain(mask, /*window=*/1, 0.5), 1e-5) << length;
  }
}

// By LibTorch's flash kernels.
TEST(Attention, AGpuSeesTheSameWindowsInHalfPrecision) {
  if (const auto reason = no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  auto mask = torch::ones({2, 300}, torch::kBool);
  mask[1].narrow(0, 290, 10).fill_(false);
  for (const std::int64_t window : {0, 1, 8, 256}) {
    for (const auto type : {torch::kBFloat16, torch::kHalf}) {
      const auto options = torch::TensorOptions(torch::kCUDA).dtype(type);
      EXPECT_LT(error_against_plain(mask, window, 1.0, options), 2e-2) << window;
    }
  }
}

// With what a trial asks LibTorch for.
TEST(Attention, AGpuGivesTheSameGradientsTwice) {
  if (const auto reason = no_gpu(); !reason.empty()) GTEST_SKIP() << reason;
  set_numerics(/*threads=*/2, Precision::kFp32);
  const auto ids = torch::zeros({2, 300}, torch::TensorOptions(torch::kCUDA).dtype(torch::kLong));
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const std::int64_t window : {0, 8}) {
      const auto qkv = random_qkv(2, 300, torch::TensorOptions(torch::kCUDA).dtype(type));
      const auto gradients = [&] {
        const auto y = attend(qkv[0], qkv[1], qkv[2], visible_keys(ids, {}, window), 1.0, 0);
        return torch::autograd::grad({y.square().sum()}, qkv);
      };
      const auto once = gradients();
      const auto again = gradients();
      for (std::size_t i = 0; i < once.size(); ++i) {
        EXPECT_TRUE(torch::equal(once[i], again[i])) << type << ", window " << window;
      }
    }
  }
}

TEST(Attention, PaddingOnEitherSideIsNotSeen) {
  auto right = torch::ones({2, 21}, torch::kBool);
  right[0].narrow(0, 5, 16).fill_(false);
  auto left = torch::ones({2, 21}, torch::kBool);
  left[1].narrow(0, 0, 11).fill_(false);
  for (const std::int64_t window : {0, 4}) {
    EXPECT_LT(error_against_plain(right, window, 1.0), 1e-5) << window;
    EXPECT_LT(error_against_plain(left, window, 1.0), 1e-5) << window;
  }
}

// Short keys are attended to in float32, long ones in bfloat16.
TEST(Attention, OfBfloat16IsThatOfFloat64OnEitherSideOfTheSwitch) {
  const auto options = torch::TensorOptions().dtype(torch::kBFloat16);
  for (const std::int64_t length : {1, 7, 33, 255, 256, 300}) {
    auto mask = torch::ones({2, length}, torch::kBool);
    EXPECT_LT(error_against_plain(mask, /*window=*/8, 0.5, options), 2e-2) << length;
    mask[0].narrow(0, 0, length / 2).fill_(false);
    EXPECT_LT(error_against_plain(mask, /*window=*/0, 0.5, options), 2e-2) << length;
  }
}

TEST(Attention, OfOneQueryARowSeesWhatThatQuerySaw) {
  auto mask = torch::ones({3, 12}, torch::kBool);
  mask[1].narrow(0, 0, 5).fill_(false);
  mask[2].narrow(0, 9, 3).fill_(false);
  const auto ids = torch::zeros({3, 12}, torch::kLong);
  const auto positions = torch::tensor({11, 5, 8});
  for (const std::int64_t window : {0, 1, 4}) {
    const auto all = visible_BLL(mask, window);
    const auto one = visible_keys_at(positions, ids, mask, window);
    EXPECT_FALSE(one.causal);
    EXPECT_TRUE(
        torch::equal(all.index({torch::arange(3), positions}).view({3, 1, 1, 12}), one.mask))
        << window;
  }
  EXPECT_TRUE(
      torch::equal(visible_keys_at(positions, ids, {}, 0).mask.sum({1, 2, 3}), positions + 1));
}

// The cheap forms are taken where they say the same.
TEST(Attention, NoMaskIsMadeWhereCausalityOrAWindowSaysIt) {
  const auto ids = torch::zeros({1, 20}, torch::kLong);
  EXPECT_FALSE(visible_keys(ids, {}, 8).mask.defined());
  EXPECT_EQ(8, visible_keys(ids, {}, 8).window);
  EXPECT_EQ(0, visible_keys(ids, {}, 20).window);
  auto padded = torch::ones({1, 20}, torch::kBool);
  padded[0][19].fill_(false);
  EXPECT_FALSE(visible_keys(ids, padded, 0).mask.defined());
  padded[0][0].fill_(false);
  EXPECT_TRUE(visible_keys(ids, padded, 0).mask.defined());
}

}  // namespace
}  // namespace mvn::test
