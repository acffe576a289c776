// The bodies of the GPU's thread blocks, run by a CPU thread for thread and phase for phase,
// against the definition.
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "conv_definition.h"
#include "cuda/conv.h"
#include "cuda/kernels.h"
#include "cuda/scan_backward.h"
#include "cuda/scan_forward.h"
#include "scan_definition.h"

namespace mvn::mamba {
namespace {

// Shared memory, as a block finds it: full of something else.
template <typename Shared>
std::unique_ptr<Shared> make_shared_memory() {
  auto shared = std::make_unique<Shared>();
  std::memset(static_cast<void*>(shared.get()), 0xff, sizeof(Shared));
  return shared;
}

template <typename Real>
void forward_by_channel(Arrays<Real>& arrays) {
  const auto shared = make_shared_memory<gpu::ChannelShared>();
  for (std::int64_t s = 0; s < arrays.in.sequences; ++s) {
    for (std::int64_t first = 0; first < arrays.in.channels; first += gpu::kThreads) {
      gpu::CpuBlock<gpu::ChannelLane<Real>> block;
      gpu::forward_by_channel(arrays.in, arrays.outputs, s, first, block, *shared);
    }
  }
}

template <typename Real>
void forward_by_quad(Arrays<Real>& arrays) {
  const auto shared = make_shared_memory<gpu::QuadShared>();
  for (std::int64_t s = 0; s < arrays.in.sequences; ++s) {
    for (std::int64_t first = 0; first < arrays.in.channels; first += gpu::kQuadChannels) {
      gpu::CpuBlock<gpu::QuadLane<Real>> block;
      gpu::forward_by_quad(arrays.in, arrays.outputs, s, first, block, *shared);
    }
  }
}

template <typename Real>
void backward(Arrays<Real>& arrays, std::int64_t parts) {
  const auto shared = make_shared_memory<gpu::BackwardShared>();
  for (std::int64_t s = 0; s < arrays.in.sequences; ++s) {
    for (std::int64_t part = 0; part < parts; ++part) {
      gpu::CpuBlock<gpu::BackwardLane<Real>> block;
      if (arrays.gradients.d_a != nullptr) {
        gpu::backward<true>(arrays.in, arrays.gradients, s, part, parts, block, *shared);
      } else {
        gpu::backward<false>(arrays.in, arrays.gradients, s, part, parts, block, *shared);
      }
    }
  }
}

template <typename Real>
Arrays<Real> arrays_for(const Problem& p, std::int64_t parts) {
  return Arrays<Real>(p, parts,
                      static_cast<std::size_t>(p.chunk_offsets.back() * p.channels * p.states));
}

template <typename Real>
Result run(const Problem& p, void (*forward)(Arrays<Real>&), std::int64_t parts) {
  auto arrays = arrays_for<Real>(p, parts);
  forward(arrays);
  backward(arrays, parts);
  return arrays.result();
}

std::int64_t groups_of(const Problem& p) {
  return (p.channels + gpu::kQuadChannels - 1) / gpu::kQuadChannels;
}

struct Shape {
  std::int64_t channels;
  bool gated;
  std::vector<std::int64_t> lengths;
};

// Whole and odd numbers of channels around a quad's block (32) and a channel's (128); lengths
// around the tile (16), of one token, of none, and many short ones.
const std::vector<Shape> kShapes = {
    {128, true, {1, 33, 16, 15, 0, 200, 17}},
    {1, false, {5, 64}},
    {33, true, {48, 1, 1}},
    {31, false, {31}},
    {200, true, {0, 32, 7}},
    {70, true, std::vector<std::int64_t>(40, 3)},
};

std::string name_of(const Shape& shape) {
  return std::to_string(shape.channels) + " channels, " + std::to_string(shape.lengths.size()) +
         " sequences";
}

TEST(GpuBlocks, TheFloat32ScanMatchesTheDefinition) {
  for (const auto& shape : kShapes) {
    SCOPED_TRACE(name_of(shape));
    const Problem p = make_problem(shape.channels, 16, shape.gated, shape.lengths);
    const Result expected = define(p);
    expect_near(run<float>(p, forward_by_channel, groups_of(p)), expected, 2e-6);
    expect_near(run<float>(p, forward_by_quad, groups_of(p)), expected, 2e-6);
  }
}

TEST(GpuBlocks, TheBfloat16ScanMatchesTheDefinitionWithinItsRounding) {
  for (const auto& shape : kShapes) {
    SCOPED_TRACE(name_of(shape));
    Problem p = make_problem(shape.channels, 16, shape.gated, shape.lengths);
    round_to_bfloat16(p);
    const Result expected = define(p);
    expect_near(run<Half>(p, forward_by_channel, groups_of(p)), expected, 5e-3);
    expect_near(run<Half>(p, forward_by_quad, groups_of(p)), expected, 5e-3);
  }
}

TEST(GpuBlocks, BothForwardsGiveTheSameBits) {
  const Problem p = make_problem(150, 16, true, {40, 1, 17});
  auto by_channel = arrays_for<float>(p, 1);
  auto by_quad = arrays_for<float>(p, 1);
  forward_by_channel(by_channel);
  forward_by_quad(by_quad);
  EXPECT_EQ(by_channel.result().out, by_quad.result().out);
  EXPECT_EQ(by_channel.checkpoints(), by_quad.checkpoints());
}

TEST(GpuBlocks, AForwardWithoutGradientsKeepsNoStates) {
  const Problem p = make_problem(40, 16, true, {20});
  for (auto* forward : {&forward_by_channel<float>, &forward_by_quad<float>}) {
    Arrays<float> arrays(p, 1, 0);
    arrays.outputs.checkpoints = nullptr;
    forward(arrays);
    EXPECT_LT(relative_error(arrays.result().out, define(p).out), 2e-6);
  }
}

TEST(GpuBlocks, FewerPartsThanGroupsHoldTheSameSums) {
  const Problem p = make_problem(150, 16, true, {20, 3});
  const Result expected = define(p);
  for (const std::int64_t parts : {1, 2, 3, 5}) {
    SCOPED_TRACE(parts);
    expect_near(run<float>(p, forward_by_quad, parts), expected, 2e-6);
  }
}

TEST(GpuBlocks, FrozenParametersGetNoGradient) {
  const Problem p = make_problem(40, 16, true, {20, 3});
  const Result expected = define(p);
  auto arrays = arrays_for<float>(p, 2);
  forward_by_quad(arrays);
  arrays.gradients.d_a = arrays.gradients.d_d = arrays.gradients.d_delta_bias = nullptr;
  backward(arrays, 2);
  const Result actual = arrays.result();
  EXPECT_LT(relative_error(actual.d_delta, expected.d_delta), 2e-6);
  EXPECT_LT(relative_error(actual.d_b, expected.d_b), 2e-6);
  for (const double value : actual.d_a) EXPECT_TRUE(std::isnan(value));
  for (const double value : actual.d_bias) EXPECT_TRUE(std::isnan(value));
}

TEST(GpuBlocks, SlowDecaysDoNotDriftOverLongSequences) {
  Problem p = make_problem(4, 16, false, {4096});
  for (float& value : p.delta) value = 0;
  for (float& value : p.bias) value = -7;  // delta about 0.0009: a memory of a thousand tokens
  expect_near(run<float>(p, forward_by_quad, 1), define(p), 1e-5);
}

TEST(GpuBlocks, LargeStepsSaturateWithoutNaN) {
  Problem p = make_problem(16, 16, true, {40});
  for (std::size_t i = 0; i < p.delta.size(); ++i) p.delta[i] = i % 2 == 0 ? 90.0F : -90.0F;
  for (float& value : p.bias) value = 0;
  expect_near(run<float>(p, forward_by_channel, 1), define(p), 2e-6);
}

TEST(GpuBlocks, OfTheForwardScanHaveAThreadAChannelWhereThatFillsTheGpu) {
  using gpu::ScanForward;
  // 8 warps of 32 a multiprocessor.
  EXPECT_EQ(gpu::choose_scan_forward(21, 1536, 132), ScanForward::kByQuad);
  EXPECT_EQ(gpu::choose_scan_forward(22, 1536, 132), ScanForward::kByChannel);
}

TEST(GpuBlocks, OfTheForwardScanCanBeForced) {
  using gpu::ScanForward;
  ::setenv("MVN_SCAN_CUDA", "channel", 1);
  EXPECT_EQ(gpu::choose_scan_forward(1, 1, 132), ScanForward::kByChannel);
  ::setenv("MVN_SCAN_CUDA", "quad", 1);
  EXPECT_EQ(gpu::choose_scan_forward(22, 1536, 132), ScanForward::kByQuad);
  ::setenv("MVN_SCAN_CUDA", "quat", 1);
  try {
    gpu::choose_scan_forward(1, 1, 1);
    ADD_FAILURE() << "took it";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "MVN_SCAN_CUDA is 'quat'; known are channel and quad");
  }
  ::unsetenv("MVN_SCAN_CUDA");
}

// The outputs of the convolution are rounded to Real; its parameters' gradients are float32.
template <typename Real>
void check_conv(const ConvProblem& p, double bound) {
  const auto x = convert<Real>(p.x);
  const auto d_out = convert<Real>(p.d_out);
  ConvInputs<Real> in;
  in.channels = p.channels;
  in.width = p.width;
  in.offsets = p.offsets.data();
  in.sequences = static_cast<std::int64_t>(p.offsets.size()) - 1;
  in.x = x.data();
  in.x_stride = p.channels;
  in.weight = p.weight.data();
  in.bias = p.bias.data();
  const std::int64_t tiles = gpu::conv_tiles(p.offsets.back());
  std::vector<Real> out(p.x.size()), d_x(p.x.size());
  std::vector<float> d_weight(static_cast<std::size_t>(tiles) * p.weight.size());
  std::vector<float> d_bias(static_cast<std::size_t>(tiles) * p.bias.size());
  const ConvGradients<Real> gradients{d_out.data(), d_x.data(), p.channels, d_weight.data(),
                                      d_bias.data()};
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    for (std::int64_t channel = 0; channel < p.channels; ++channel) {
      gpu::conv_forward(in, out.data(), tile, channel);
      gpu::conv_backward(in, gradients, tile, channel);
    }
  }
  const ConvResult expected = define(p);
  expect_sum_near(numbers(out), expected.out, bound, "out");
  expect_sum_near(numbers(d_x), expected.d_x, bound, "d_x");
  expect_sum_near(numbers(d_weight), expected.d_weight, bound, "d_weight");
  expect_sum_near(numbers(d_bias), expected.d_bias, bound, "d_bias");
}

// Sequences of one token, of none, that end and begin at a tile's edge (32), and that span several.
const std::vector<std::int64_t> kConvOffsets = {0, 1, 1, 3, 32, 33, 64, 66, 67, 68, 170, 201};

TEST(GpuBlocks, TheConvolutionMatchesTheDefinition) {
  for (const std::int64_t width : {1, 2, 3, 4}) {
    SCOPED_TRACE(width);
    check_conv<float>(make_conv_problem(5, width, kConvOffsets), 2e-6);
  }
  ConvProblem p = make_conv_problem(5, 4, kConvOffsets);
  for (auto* each : {&p.x, &p.d_out}) round_to_bfloat16(*each);
  check_conv<Half>(p, 5e-3);
}

}  // namespace
}  // namespace mvn::mamba
