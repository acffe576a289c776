// The causal convolution's kernels against the definition.
#include "conv_definition.h"
#include "mvn/cpu_isa.h"

namespace mvn::mamba {
namespace {

void check(const ScanKernels& kernels, const ConvProblem& p) {
  const auto sequences = static_cast<std::int64_t>(p.offsets.size()) - 1;
  ConvInputs<float> in;
  in.channels = p.channels;
  in.width = p.width;
  in.offsets = p.offsets.data();
  in.sequences = sequences;
  in.x = p.x.data();
  in.x_stride = p.channels;
  in.weight = p.weight.data();
  in.bias = p.bias.data();
  std::vector<float> out(p.x.size()), d_x(p.x.size());
  std::vector<float> d_weight(static_cast<std::size_t>(sequences) * p.weight.size());
  std::vector<float> d_bias(static_cast<std::size_t>(sequences) * p.bias.size());
  ConvGradients<float> gradients;
  gradients.d_out = p.d_out.data();
  gradients.d_x = d_x.data();
  gradients.d_x_stride = p.channels;
  gradients.d_weight = d_weight.data();
  gradients.d_bias = d_bias.data();
  for (std::int64_t item = 0; item < sequences * scan_groups(p.channels); ++item) {
    kernels.conv_forward(in, out.data(), item);
    kernels.conv_backward(in, gradients, item);
  }
  const ConvResult expected = define(p);
  expect_sum_near(numbers(out), expected.out, 1e-6, "out");
  expect_sum_near(numbers(d_x), expected.d_x, 1e-6, "d_x");
  expect_sum_near(numbers(d_weight), expected.d_weight, 1e-6, "d_weight");
  expect_sum_near(numbers(d_bias), expected.d_bias, 1e-6, "d_bias");
}

// Those that this processor runs.
std::vector<const ScanKernels*> kernel_sets() {
  std::vector<const ScanKernels*> all = {&kScanPortable};
#if defined(__x86_64__)
  if (processor_isa() >= CpuIsa::kAvx2) all.push_back(&kScanAvx2);
  if (processor_isa() >= CpuIsa::kAvx512) all.push_back(&kScanAvx512);
#endif
  return all;
}

// Rounded to bfloat16 as a number, this NaN would be -0.
TEST(ConvKernels, ANaNStaysOneInBfloat16) {
  const auto p = make_conv_problem(37, 4, {0, 20});
  const std::vector<float> bias(37, std::bit_cast<float>(0x7fffffffU));
  const auto x = convert<Half>(p.x);
  ConvInputs<Half> in;
  in.channels = p.channels;
  in.width = p.width;
  in.offsets = p.offsets.data();
  in.sequences = 1;
  in.x = x.data();
  in.x_stride = p.channels;
  in.weight = p.weight.data();
  in.bias = bias.data();
  for (const ScanKernels* kernels : kernel_sets()) {
    std::vector<Half> out(x.size());
    kernels->conv_forward_bf16(in, out.data(), 0);
    const auto is_number = [](Half each) { return !std::isnan(as_float(each)); };
    EXPECT_EQ(std::ranges::count_if(out, is_number), 0) << kernels->name;
  }
}

TEST(ConvKernels, MatchTheDefinition) {
  for (const ScanKernels* kernels : kernel_sets()) {
    SCOPED_TRACE(kernels->name);
    for (const auto& [channels, width] :
         {std::pair<std::int64_t, std::int64_t>{32, 4}, {300, 4}, {5, 4}, {17, 2}, {3, 7}}) {
      SCOPED_TRACE(channels);
      check(*kernels, make_conv_problem(channels, width, {0, 1, 3, 20, 60}));
    }
  }
}

}  // namespace
}  // namespace mvn::mamba
