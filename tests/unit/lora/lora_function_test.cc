#include "lora_function.h"

#include <gtest/gtest.h>

#include <vector>

#include "cuda/dropout.h"
#include "dropout.h"
#include "support/tensors.h"
#include "train/sdk/device.h"

namespace mvn::test {
namespace {

using torch::Tensor;

double relative_error(const Tensor& expected, const Tensor& got) {
  const auto wide = expected.to(torch::kDouble);
  const double size = wide.abs().max().item<double>();
  const double difference = (wide - got.to(torch::kDouble)).abs().max().item<double>();
  return size == 0 ? difference : difference / size;
}

// x, weight, bias, A, B.
std::vector<Tensor> random_arguments(std::vector<std::int64_t> rows, std::int64_t in,
                                     std::int64_t out, std::int64_t r, torch::ScalarType type) {
  rows.push_back(in);
  std::vector<Tensor> all = {torch::randn(rows, generator(1)),
                             torch::randn({out, in}, generator(2)),
                             torch::randn({out}, generator(3)), torch::randn({r, in}, generator(4)),
                             torch::randn({out, r}, generator(5))};
  for (std::size_t i = 0; i < 3; ++i) all[i] = all[i].to(type);
  for (const std::size_t i : {0, 3, 4}) all[i].requires_grad_(true);
  return all;
}

struct Result {
  Tensor y, d_x, d_a, d_b;
};

// The gradients of a weighted sum of the output.
Result with_gradients(const Tensor& y, const std::vector<Tensor>& arguments) {
  const auto weights = torch::randn(y.sizes(), generator(6)).to(y.options());
  const auto gradients =
      torch::autograd::grad({(y * weights).sum()}, {arguments[0], arguments[3], arguments[4]});
  return {y.detach(), gradients[0], gradients[1], gradients[2]};
}

// With the mask that the seeded default generator makes.
Result plain(const std::vector<Tensor>& arguments, double scaling, double p) {
  torch::manual_seed(7);
  const auto mask = drop(torch::ones_like(arguments[0]), draw_dropout(p)).to(torch::kDouble);
  std::vector<Tensor> wide;
  for (const auto& each : arguments) {
    wide.push_back(each.detach().to(torch::kDouble).requires_grad_(each.requires_grad()));
  }
  const auto inner = (wide[0] * mask).matmul(wide[3].t());
  return with_gradients(
      torch::linear(wide[0], wide[1], wide[2]) + scaling * inner.matmul(wide[4].t()), wide);
}

Result fused(const std::vector<Tensor>& arguments, double scaling, double p) {
  torch::manual_seed(7);
  return with_gradients(
      lora_linear(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], scaling, p),
      arguments);
}

void expect_agreement(const Result& expected, const Result& got, double bound) {
  EXPECT_LT(relative_error(expected.y, got.y), bound);
  EXPECT_LT(relative_error(expected.d_x, got.d_x), bound);
  EXPECT_LT(relative_error(expected.d_a, got.d_a), bound);
  EXPECT_LT(relative_error(expected.d_b, got.d_b), bound);
}

TEST(LoraFunction, IsTheCompositionInFloat64) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      for (const auto& rows : std::vector<std::vector<std::int64_t>>{{1}, {7}, {3, 1}, {2, 65}}) {
        const auto arguments = random_arguments(rows, 67, 45, 3, type);
        expect_agreement(plain(arguments, 2, p), fused(arguments, 2, p),
                         type == torch::kFloat32 ? 1e-5 : 2e-2);
      }
    }
  }
}

void skip_without_gpu() {
  const auto warning = open_gpu_library();
  if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU here" << warning;
  if (!gpu::has_dropout(0)) GTEST_SKIP() << "the dropout was not compiled for this GPU";
}

TEST(LoraFunction, IsTheCompositionOnAGpuToo) {
  skip_without_gpu();
  if (testing::Test::IsSkipped()) return;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const double p : {0.0, 0.3}) {
      const auto arguments = random_arguments({2, 65}, 67, 45, 3, type);
      auto there = arguments;
      for (auto& each : there) {
        each = each.detach().to(torch::kCUDA).requires_grad_(each.requires_grad());
      }
      EXPECT_TRUE(can_fuse_lora(there[0], there[1], there[2], there[3]));
      const auto got = fused(there, 2, p);
      expect_agreement(plain(arguments, 2, p),
                       {got.y.cpu(), got.d_x.cpu(), got.d_a.cpu(), got.d_b.cpu()},
                       type == torch::kFloat32 ? 1e-5 : 2e-2);
    }
  }
}

TEST(Dropout, AGpuDropsTheSame) {
  skip_without_gpu();
  if (testing::Test::IsSkipped()) return;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    auto x = torch::randn({300, 77}, generator(1)).to(type);
    auto there = x.to(torch::kCUDA);
    EXPECT_TRUE(torch::equal(drop(x, {0.1, 42}), drop(there, {0.1, 42}).cpu()));
    drop_(x, {0.1, 42});
    drop_(there, {0.1, 42});
    EXPECT_TRUE(torch::equal(x, there.cpu()));
  }
}

TEST(LoraFunction, DoesNotDependOnTheNumberOfThreads) {
  const auto arguments = random_arguments({400}, 256, 128, 4, torch::kFloat32);
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const auto mask = drop(arguments[0].detach(), {0.1, 42});
  torch::set_num_threads(3);
  EXPECT_TRUE(torch::equal(mask, drop(arguments[0].detach(), {0.1, 42})));
  torch::set_num_threads(threads);
}

TEST(LoraFunction, StandsAsideWhereTheBaseIsTrained) {
  auto arguments = random_arguments({2}, 4, 4, 2, torch::kFloat32);
  EXPECT_TRUE(can_fuse_lora(arguments[0], arguments[1], arguments[2], arguments[3]));
  arguments[1].requires_grad_(true);
  EXPECT_FALSE(can_fuse_lora(arguments[0], arguments[1], arguments[2], arguments[3]));
}

TEST(Dropout, KeepsItsShareAndTheMean) {
  for (const double p : {0.1, 0.5}) {
    const auto dropped = drop(torch::ones({1000, 1000}), {p, 1});
    // Four standard deviations of a mean of 10^6 draws.
    EXPECT_NEAR(1 - p, (dropped != 0).to(torch::kFloat32).mean().item<double>(), 2e-3);
    EXPECT_NEAR(1, dropped.mean().item<double>(), 4e-3);
  }
}

// Neither the same mask again, nor one that follows from another: rows, columns and seeds that
// differ by one agree as often as chance has it.
TEST(Dropout, MasksAreIndependent) {
  const auto mask = [](std::uint64_t seed) {
    return drop(torch::ones({512, 768}), {0.5, seed}) != 0;
  };
  const auto agreement = [](const Tensor& one, const Tensor& two) {
    return (one == two).to(torch::kFloat32).mean().item<double>();
  };
  const auto first = mask(1);
  EXPECT_NEAR(0.5, agreement(first, mask(2)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first, mask(1ULL << 32U)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(0, 0, 511), first.narrow(0, 1, 511)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(1, 0, 767), first.narrow(1, 1, 767)), 5e-3);
  EXPECT_NEAR(0.5, agreement(first.narrow(1, 0, 767), mask(2).narrow(1, 1, 767)), 5e-3);
}

}  // namespace
}  // namespace mvn::test
