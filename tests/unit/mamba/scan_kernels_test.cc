// Every scan kernel against the definition.
#include "mvn/cpu_isa.h"
#include "scan_definition.h"

namespace mvn::mamba {
namespace {

template <typename Real>
using Forward = void (*)(const ScanInputs<Real>&, const ScanOutputs<Real>&, std::int64_t);
template <typename Real>
using Backward = void (*)(const ScanInputs<Real>&, const ScanGradients<Real>&, std::int64_t);

template <typename Real>
Result run(const Problem& p, Forward<Real> forward, Backward<Real> backward) {
  const std::int64_t groups = scan_groups(p.channels);
  Arrays<Real> arrays(p, groups,
                      scan_checkpoint_size(p.chunk_offsets.back(), p.channels, p.states));
  for (std::int64_t item = 0; item < p.sequences() * groups; ++item) {
    forward(arrays.in, arrays.outputs, item);
  }
  for (std::int64_t item = 0; item < p.sequences() * groups; ++item) {
    backward(arrays.in, arrays.gradients, item);
  }
  return arrays.result();
}

class ScanKernelsTest : public testing::TestWithParam<const ScanKernels*> {
 protected:
  void SetUp() override {
    const auto isa = cpu_isa_named(GetParam()->name);
    ASSERT_TRUE(isa) << GetParam()->name;
    if (*isa > processor_isa()) GTEST_SKIP() << "this processor has no " << GetParam()->name;
  }
};

struct Shape {
  std::int64_t channels;
  std::int64_t states;
  bool gated;
};

// Whole and odd numbers of channels, one and several groups, Mamba's 16 states and others, lengths
// of 1 and around the chunk.
const std::vector<Shape> kShapes = {{96, 16, true}, {37, 16, true}, {1, 16, false}, {300, 16, true},
                                    {19, 5, true},  {21, 11, true}, {40, 24, true}, {8, 64, false}};
const std::vector<std::int64_t> kLengths = {1, 33, 16, 15, 200, 17};

TEST_P(ScanKernelsTest, Float32MatchesTheDefinition) {
  for (const auto& shape : kShapes) {
    SCOPED_TRACE(std::to_string(shape.channels) + " channels");
    const Problem p = make_problem(shape.channels, shape.states, shape.gated, kLengths);
    expect_near(run<float>(p, GetParam()->forward, GetParam()->backward), define(p), 2e-6);
  }
}

TEST_P(ScanKernelsTest, Bfloat16MatchesTheDefinitionWithinItsRounding) {
  for (const auto& shape : kShapes) {
    SCOPED_TRACE(std::to_string(shape.channels) + " channels");
    Problem p = make_problem(shape.channels, shape.states, shape.gated, kLengths);
    round_to_bfloat16(p);
    expect_near(run<Half>(p, GetParam()->forward_bf16, GetParam()->backward_bf16), define(p), 5e-3);
  }
}

TEST_P(ScanKernelsTest, SlowDecaysDoNotDriftOverLongSequences) {
  Problem p = make_problem(4, 16, false, {4096});
  for (float& value : p.delta) value = 0;
  for (float& value : p.bias) value = -7;  // delta about 0.0009: a memory of a thousand tokens
  expect_near(run<float>(p, GetParam()->forward, GetParam()->backward), define(p), 1e-5);
}

TEST_P(ScanKernelsTest, LargeStepsSaturateWithoutNaN) {
  Problem p = make_problem(16, 16, true, {40});
  for (std::size_t i = 0; i < p.delta.size(); ++i) p.delta[i] = i % 2 == 0 ? 90.0F : -90.0F;
  for (float& value : p.bias) value = 0;
  expect_near(run<float>(p, GetParam()->forward, GetParam()->backward), define(p), 2e-6);
}

// Rounded to bfloat16 as a number, this NaN would be -0.
TEST_P(ScanKernelsTest, ANaNStaysOneInBfloat16) {
  Problem p = make_problem(37, 16, true, {20});
  for (float& value : p.d) value = std::bit_cast<float>(0x7fffffffU);
  const auto result = run<Half>(p, GetParam()->forward_bf16, GetParam()->backward_bf16);
  for (const auto* values : {&result.out, &result.d_u, &result.d_z}) {
    EXPECT_EQ(std::ranges::count_if(*values, [](double x) { return !std::isnan(x); }), 0);
  }
}

TEST_P(ScanKernelsTest, AnItemDoesNotDependOnTheOthers) {
  const Problem p = make_problem(300, 16, true, {20, 40});
  const auto together = run<float>(p, GetParam()->forward, GetParam()->backward);
  const auto again = run<float>(p, GetParam()->forward, GetParam()->backward);
  EXPECT_EQ(together.out, again.out);
  EXPECT_EQ(together.d_a, again.d_a);
  EXPECT_EQ(together.d_b, again.d_b);
}

TEST_P(ScanKernelsTest, WithoutThoseOfParametersTheGradientsAreTheSame) {
  const Problem p = make_problem(37, 16, true, {20, 40});
  Arrays<float> all(p, 1, scan_checkpoint_size(p.chunk_offsets.back(), p.channels, p.states));
  Arrays<float> fewer(p, 1, scan_checkpoint_size(p.chunk_offsets.back(), p.channels, p.states));
  fewer.gradients.d_a = fewer.gradients.d_d = fewer.gradients.d_delta_bias = nullptr;
  for (auto* each : {&all, &fewer}) {
    for (std::int64_t item = 0; item < p.sequences(); ++item) {
      GetParam()->forward(each->in, each->outputs, item);
      GetParam()->backward(each->in, each->gradients, item);
    }
  }
  EXPECT_EQ(all.result().d_u, fewer.result().d_u);
  EXPECT_EQ(all.result().d_delta, fewer.result().d_delta);
  EXPECT_EQ(all.result().d_z, fewer.result().d_z);
  EXPECT_EQ(all.result().d_b, fewer.result().d_b);
  EXPECT_EQ(all.result().d_c, fewer.result().d_c);
}

std::vector<const ScanKernels*> all_kernels() {
#if defined(__x86_64__)
  return {&kScanPortable, &kScanAvx2, &kScanAvx512};
#else
  return {&kScanPortable};
#endif
}

INSTANTIATE_TEST_SUITE_P(All, ScanKernelsTest, testing::ValuesIn(all_kernels()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace mvn::mamba
