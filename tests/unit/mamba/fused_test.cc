// The fused scan and convolution, as tensors and with autograd, against the plain ones in double:
// on the CPU, and on a GPU where there is one.
#include "fused.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cuda/kernels.h"
#include "mvn/cpu_isa.h"
#include "plain.h"
#include "scan_kernels.h"
#include "support/gpu.h"
#include "support/tensors.h"

namespace mvn::mamba {
namespace {

using test::relative_error;
using torch::Tensor;
using Tensors = std::vector<Tensor>;

TEST(ScanKernels, AreThoseOfTheBestInstructionSet) {
  EXPECT_EQ(name_of(std::min(best_isa(), CpuIsa::kAvx512)), scan_kernels().name);
}

class FusedTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    device_ = torch::Device(GetParam());
    if (device_.is_cpu()) return;
    const auto reason = test::no_gpu([] { return gpu::refusal(0); });
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  torch::Device device_ = torch::kCPU;
};

// [B, L] with 1, 2, ... real tokens a row, padding on the left and on the right by turns.
Tensor mask_of(const std::vector<std::int64_t>& lengths) {
  const auto batch = static_cast<std::int64_t>(lengths.size());
  const auto longest = *std::max_element(lengths.begin(), lengths.end());
  auto mask = torch::zeros({batch, longest}, torch::kBool);
  for (std::int64_t i = 0; i < batch; ++i) {
    const auto length = lengths[static_cast<std::size_t>(i)];
    mask[i].narrow(0, i % 2 == 0 ? 0 : longest - length, length).fill_(true);
  }
  return mask;
}

// u, delta, a, b, c, d, z, delta_bias, the packed ones of `type`.
Tensors scan_arguments(std::int64_t tokens, std::int64_t channels, torch::ScalarType type) {
  constexpr std::int64_t kStates = 16;
  const auto random = [](at::IntArrayRef shape, std::uint64_t seed) {
    return torch::randn(shape, test::generator(seed));
  };
  return {random({tokens, channels}, 1).to(type),
          random({tokens, channels}, 2).to(type),
          -torch::arange(1, kStates + 1, torch::kFloat32).repeat({channels, 1}),
          random({tokens, kStates}, 3).to(type),
          random({tokens, kStates}, 4).to(type),
          random({channels}, 5),
          random({tokens, channels}, 6).to(type),
          random({channels}, 7) - 3};
}

// The output, then the gradients of a weighted sum of it.
template <typename Function>
Tensors with_gradients(const Tensors& arguments, const torch::TensorOptions& options,
                       const Function& function) {
  Tensors leaves;
  for (const auto& each : arguments) {
    const auto moved = each.to(options.device());
    const bool widen = options.dtype() == torch::kDouble;
    leaves.push_back((widen ? moved.to(torch::kDouble) : moved).detach().requires_grad_(true));
  }
  const Tensor y = function(leaves);
  const auto weights = torch::randn(y.sizes(), test::generator(9)).to(y.options());
  Tensors all = {y.detach()};
  for (auto& each : torch::autograd::grad({(y * weights).sum()}, leaves)) all.push_back(each);
  return all;
}

Tensors plain_scan_of(const Tensors& arguments, const Packing& packing) {
  return with_gradients(arguments, torch::kDouble, [&](const Tensors& t) {
    const auto padded = [&](const Tensor& x) { return unpack(x, packing); };
    return pack(plain_scan(padded(t[0]), padded(t[1]), t[2], padded(t[3]), padded(t[4]), t[5],
                           padded(t[6]), t[7]),
                packing);
  });
}

Tensors fused_scan_of(const Tensors& arguments, const Packing& packing, torch::Device device) {
  return with_gradients(
      arguments, torch::TensorOptions(device).dtype(torch::kFloat32), [&](const Tensors& t) {
        EXPECT_TRUE(can_fuse_scan(t[0], 16));
        return fused_scan(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], packing);
      });
}

void expect_near(const Tensors& expected, const Tensors& actual, double bound) {
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LT(relative_error(expected[i], actual[i]), bound)
        << (i == 0 ? "output" : "gradient ") << i;
  }
}

// Few tokens and many; channels that fill no block.
struct Case {
  std::int64_t channels;
  std::vector<std::int64_t> lengths;
};
const std::vector<Case> kCases = {{40, {1, 17, 33, 16}}, {384, std::vector<std::int64_t>(400, 3)}};

// While it lives, a GPU runs this one of the scan's forward kernels.
class Forced {
 public:
  explicit Forced(const char* kernel) { ::setenv("MVN_SCAN_CUDA", kernel, 1); }
  Forced(const Forced&) = delete;
  Forced& operator=(const Forced&) = delete;
  ~Forced() { ::unsetenv("MVN_SCAN_CUDA"); }
};

TEST_P(FusedTest, TheScanMatchesThePlainOne) {
  for (const auto& [channels, lengths] : kCases) {
    SCOPED_TRACE(channels);
    const auto mask = mask_of(lengths);
    const auto packing = make_packing(mask);
    const auto there = make_packing(mask.to(device_));
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      const auto arguments = scan_arguments(mask.sum().item<std::int64_t>(), channels, type);
      const auto expected = plain_scan_of(arguments, packing);
      for (const char* kernel : {"channel", "quad"}) {
        SCOPED_TRACE(kernel);
        const Forced forced(kernel);
        expect_near(expected, fused_scan_of(arguments, there, device_),
                    type == torch::kFloat32 ? 1e-5 : 2e-2);
      }
    }
  }
}

TEST_P(FusedTest, TheScanGivesTheSameBitsTwice) {
  for (const auto& [channels, lengths] : kCases) {
    SCOPED_TRACE(channels);
    const auto mask = mask_of(lengths);
    const auto packing = make_packing(mask.to(device_));
    const auto arguments =
        scan_arguments(mask.sum().item<std::int64_t>(), channels, torch::kBFloat16);
    const auto once = fused_scan_of(arguments, packing, device_);
    const auto again = fused_scan_of(arguments, packing, device_);
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(torch::equal(once[i], again[i])) << i;
  }
}

TEST_P(FusedTest, TheScanLeavesOutWhatIsAbsent) {
  const auto mask = mask_of({20, 5});
  const auto packing = make_packing(mask);
  const auto there = make_packing(mask.to(device_));
  const auto a = scan_arguments(25, 40, torch::kFloat32);
  const auto padded = [&](const Tensor& x) { return unpack(x, packing); };
  const auto expected =
      pack(plain_scan(padded(a[0]), padded(a[1]), a[2], padded(a[3]), padded(a[4]), {}, {}, {}),
           packing);
  const auto on = [&](std::size_t i) { return a[i].to(device_); };
  EXPECT_LT(
      relative_error(expected, fused_scan(on(0), on(1), on(2), on(3), on(4), {}, {}, {}, there)),
      1e-5);
}

TEST_P(FusedTest, TheConvolutionMatchesThePlainOne) {
  const auto mask = mask_of({1, 2, 70, 31, 33});
  const auto packing = make_packing(mask);
  const auto there = make_packing(mask.to(device_));
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const auto tokens = mask.sum().item<std::int64_t>();
    const Tensors arguments = {torch::randn({tokens, 150}, test::generator(1)).to(type),
                               torch::randn({150, 1, 4}, test::generator(2)).to(type),
                               torch::randn({150}, test::generator(3)).to(type)};
    const auto expected = with_gradients(arguments, torch::kDouble, [&](const Tensors& t) {
      return pack(plain_conv(unpack(t[0], packing), t[1], t[2]), packing);
    });
    const auto run = [&] {
      return with_gradients(arguments, device_,
                            [&](const Tensors& t) { return fused_conv(t[0], t[1], t[2], there); });
    };
    const auto once = run();
    expect_near(expected, once, type == torch::kFloat32 ? 1e-5 : 2e-2);
    const auto again = run();
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(torch::equal(once[i], again[i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, FusedTest, testing::Values("cpu", "cuda"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace mvn::mamba
