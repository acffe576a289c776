// Every scan kernel against the definition, written out in double with no care for speed.
#include "scan_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace mvn::mamba {
namespace {

using Numbers = std::vector<double>;

struct Problem {
  std::int64_t channels = 0;
  std::int64_t states = 0;
  bool gated = false;
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::int64_t> chunk_offsets = {0};
  std::vector<float> u, delta, bias, a, b, c, d, z, d_out;

  [[nodiscard]] std::int64_t tokens() const { return offsets.back(); }
  [[nodiscard]] std::int64_t sequences() const {
    return static_cast<std::int64_t>(offsets.size()) - 1;
  }
};

Problem make_problem(std::int64_t channels, std::int64_t states, bool gated,
                     const std::vector<std::int64_t>& lengths) {
  Problem p;
  p.channels = channels;
  p.states = states;
  p.gated = gated;
  for (const std::int64_t length : lengths) {
    p.offsets.push_back(p.offsets.back() + length);
    p.chunk_offsets.push_back(p.chunk_offsets.back() + scan_chunks(length));
  }
  std::mt19937 random(static_cast<unsigned>(channels * 100 + states));
  std::normal_distribution<float> normal;
  const auto draw = [&](std::int64_t count, float mean, float spread) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = mean + spread * normal(random);
    return values;
  };
  const std::int64_t size = p.tokens() * channels;
  p.u = draw(size, 0, 1);
  p.delta = draw(size, 0, 1);
  p.bias = draw(channels, -4, 2);
  p.b = draw(p.tokens() * states, 0, 1);
  p.c = draw(p.tokens() * states, 0, 1);
  p.d = draw(channels, 0, 1);
  if (gated) p.z = draw(size, 0, 2);
  p.d_out = draw(size, 0, 1);
  for (std::int64_t i = 0; i < channels * states; ++i) {
    p.a.push_back(-static_cast<float>(i % states + 1));
  }
  return p;
}

struct Result {
  Numbers out, d_u, d_delta, d_z, d_b, d_c, d_a, d_d, d_bias;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

// One channel of one sequence, forward and backward.
void define_channel(const Problem& p, std::int64_t first, std::int64_t length, std::int64_t channel,
                    Result& r) {
  const std::int64_t n_states = p.states;
  Numbers state(static_cast<std::size_t>((length + 1) * n_states));
  Numbers y(static_cast<std::size_t>(length));
  const auto at = [&](std::int64_t t) {
    return static_cast<std::size_t>((first + t) * p.channels + channel);
  };
  const auto row = [&](std::int64_t t, std::int64_t n) {
    return static_cast<std::size_t>((first + t) * n_states + n);
  };
  const auto step = [&](std::int64_t t, std::int64_t n) {
    return static_cast<std::size_t>(t * n_states + n);
  };
  const auto c_index = static_cast<std::size_t>(channel);
  const auto decay = [&](double delta, std::int64_t n) {
    return std::exp(delta * p.a[static_cast<std::size_t>(channel * n_states + n)]);
  };
  for (std::int64_t t = 0; t < length; ++t) {
    const double u = p.u[at(t)];
    const double delta = softplus(p.delta[at(t)] + p.bias[c_index]);
    double sum = p.d[c_index] * u;
    for (std::int64_t n = 0; n < n_states; ++n) {
      state[step(t + 1, n)] = decay(delta, n) * state[step(t, n)] + delta * u * p.b[row(t, n)];
      sum += p.c[row(t, n)] * state[step(t + 1, n)];
    }
    y[static_cast<std::size_t>(t)] = sum;
    r.out[at(t)] = p.gated ? sum * p.z[at(t)] * sigmoid(p.z[at(t)]) : sum;
  }
  Numbers g(static_cast<std::size_t>(n_states));
  for (std::int64_t t = length - 1; t >= 0; --t) {
    const double u = p.u[at(t)];
    const double raw = p.delta[at(t)] + p.bias[c_index];
    const double delta = softplus(raw);
    double dy = p.d_out[at(t)];
    if (p.gated) {
      const double z = p.z[at(t)];
      const double s = sigmoid(z);
      r.d_z[at(t)] = dy * y[static_cast<std::size_t>(t)] * s * (1 + z * (1 - s));
      dy *= z * s;
    }
    double d_delta = 0;
    double d_u = p.d[c_index] * dy;
    for (std::int64_t n = 0; n < n_states; ++n) {
      const auto i = static_cast<std::size_t>(n);
      const auto a_index = static_cast<std::size_t>(channel * n_states + n);
      r.d_c[row(t, n)] += dy * state[step(t + 1, n)];
      g[i] += dy * p.c[row(t, n)];
      r.d_b[row(t, n)] += g[i] * delta * u;
      d_u += g[i] * delta * p.b[row(t, n)];
      const double through_decay = g[i] * decay(delta, n) * state[step(t, n)];
      d_delta += g[i] * u * p.b[row(t, n)] + through_decay * p.a[a_index];
      r.d_a[a_index] += through_decay * delta;
      g[i] *= decay(delta, n);
    }
    r.d_u[at(t)] = d_u;
    r.d_delta[at(t)] = d_delta * sigmoid(raw);
    r.d_bias[c_index] += d_delta * sigmoid(raw);
    r.d_d[c_index] += dy * u;
  }
}

Result define(const Problem& p) {
  const auto tokens = static_cast<std::size_t>(p.tokens());
  const auto channels = static_cast<std::size_t>(p.channels);
  const auto states = static_cast<std::size_t>(p.states);
  Result r;
  for (auto* each : {&r.out, &r.d_u, &r.d_delta, &r.d_z}) each->resize(tokens * channels);
  for (auto* each : {&r.d_b, &r.d_c}) each->resize(tokens * states);
  r.d_a.resize(channels * states);
  for (auto* each : {&r.d_d, &r.d_bias}) each->resize(channels);
  for (std::int64_t s = 0; s < p.sequences(); ++s) {
    const std::int64_t first = p.offsets[static_cast<std::size_t>(s)];
    const std::int64_t length = p.offsets[static_cast<std::size_t>(s) + 1] - first;
    for (std::int64_t channel = 0; channel < p.channels; ++channel) {
      define_channel(p, first, length, channel, r);
    }
  }
  return r;
}

float to_float(float x) { return x; }
float to_float(Bf16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

template <typename Real>
std::vector<Real> convert(const std::vector<float>& values);
template <>
std::vector<float> convert<float>(const std::vector<float>& values) {
  return values;
}
template <>
std::vector<Bf16> convert<Bf16>(const std::vector<float>& values) {
  std::vector<Bf16> result;
  for (const float value : values) {
    result.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)});
  }
  return result;
}

template <typename Real>
Numbers numbers(const std::vector<Real>& values) {
  Numbers result;
  for (const Real value : values) result.push_back(to_float(value));
  return result;
}

// Sums `parts` stacked arrays.
Numbers sum_parts(const std::vector<float>& values, std::size_t size) {
  Numbers result(size);
  for (std::size_t i = 0; i < values.size(); ++i) result[i % size] += values[i];
  return result;
}

template <typename Real>
using Forward = void (*)(const ScanInputs<Real>&, const ScanOutputs<Real>&, std::int64_t);
template <typename Real>
using Backward = void (*)(const ScanInputs<Real>&, const ScanGradients<Real>&, std::int64_t);

template <typename Real>
Result run(const Problem& p, Forward<Real> forward, Backward<Real> backward) {
  const auto u = convert<Real>(p.u);
  const auto delta = convert<Real>(p.delta);
  const auto b = convert<Real>(p.b);
  const auto c = convert<Real>(p.c);
  const auto z = convert<Real>(p.z);
  const auto d_out = convert<Real>(p.d_out);
  ScanInputs<Real> in;
  in.channels = p.channels;
  in.states = p.states;
  in.offsets = p.offsets.data();
  in.chunk_offsets = p.chunk_offsets.data();
  in.sequences = p.sequences();
  in.u = u.data();
  in.delta = delta.data();
  in.u_stride = in.delta_stride = in.z_stride = p.channels;
  in.delta_bias = p.bias.data();
  in.a = p.a.data();
  in.b = b.data();
  in.c = c.data();
  in.b_stride = in.c_stride = p.states;
  in.d = p.d.data();
  in.z = p.gated ? z.data() : nullptr;

  const auto size = u.size();
  const std::int64_t groups = scan_groups(p.channels);
  const auto per_sequence = static_cast<std::size_t>(p.sequences() * p.channels);
  std::vector<Real> out(size);
  std::vector<float> checkpoints(
      scan_checkpoint_size(p.chunk_offsets.back(), p.channels, p.states));
  for (std::int64_t item = 0; item < p.sequences() * groups; ++item) {
    forward(in, {out.data(), checkpoints.data()}, item);
  }

  std::vector<Real> d_u(size), d_delta(size), d_z(size);
  std::vector<float> d_b(b.size() * static_cast<std::size_t>(groups));
  std::vector<float> d_c(d_b.size());
  std::vector<float> d_a(per_sequence * static_cast<std::size_t>(p.states));
  std::vector<float> d_d(per_sequence), d_bias(per_sequence);
  ScanGradients<Real> gradients;
  gradients.d_out = d_out.data();
  gradients.d_out_stride = gradients.d_z_stride = p.channels;
  gradients.checkpoints = checkpoints.data();
  gradients.d_u = d_u.data();
  gradients.d_delta = d_delta.data();
  gradients.d_z = d_z.data();
  gradients.d_b = d_b.data();
  gradients.d_c = d_c.data();
  gradients.d_a = d_a.data();
  gradients.d_d = d_d.data();
  gradients.d_delta_bias = d_bias.data();
  for (std::int64_t item = 0; item < p.sequences() * groups; ++item) {
    backward(in, gradients, item);
  }
  const auto channels = static_cast<std::size_t>(p.channels);
  return {numbers(out),
          numbers(d_u),
          numbers(d_delta),
          numbers(d_z),
          sum_parts(d_b, b.size()),
          sum_parts(d_c, c.size()),
          sum_parts(d_a, p.a.size()),
          sum_parts(d_d, channels),
          sum_parts(d_bias, channels)};
}

// The largest difference, relative to the largest value of `expected` (but to no less than
// 1e-25: a decay below the smallest normal float may count as 0).
double relative_error(const Numbers& actual, const Numbers& expected) {
  double difference = 0;
  double size = 1e-25;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
    size = std::max(size, std::abs(expected[i]));
  }
  return difference / size;
}

void expect_near(const Result& actual, const Result& expected, double bound) {
  EXPECT_LT(relative_error(actual.out, expected.out), bound) << "out";
  EXPECT_LT(relative_error(actual.d_u, expected.d_u), bound) << "d_u";
  EXPECT_LT(relative_error(actual.d_delta, expected.d_delta), bound) << "d_delta";
  EXPECT_LT(relative_error(actual.d_z, expected.d_z), bound) << "d_z";
  EXPECT_LT(relative_error(actual.d_b, expected.d_b), bound) << "d_b";
  EXPECT_LT(relative_error(actual.d_c, expected.d_c), bound) << "d_c";
  EXPECT_LT(relative_error(actual.d_a, expected.d_a), bound) << "d_a";
  EXPECT_LT(relative_error(actual.d_d, expected.d_d), bound) << "d_d";
  EXPECT_LT(relative_error(actual.d_bias, expected.d_bias), bound) << "d_bias";
}

bool runs_here(const std::string& name) {
#if defined(__x86_64__)
  if (name == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
  }
  if (name == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return name == "portable";
}

class ScanKernelsTest : public testing::TestWithParam<const ScanKernels*> {
 protected:
  void SetUp() override {
    if (!runs_here(GetParam()->name)) GTEST_SKIP() << "this processor has no " << GetParam()->name;
  }
};

struct Shape {
  std::int64_t channels;
  std::int64_t states;
  bool gated;
};

// Whole and odd numbers of channels, one and several groups, Mamba's 16 states and others, lengths
// of 1 and around the chunk.
const std::vector<Shape> kShapes = {{96, 16, true},  {37, 16, true}, {1, 16, false},
                                    {300, 16, true}, {19, 5, true},  {8, 64, false}};
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
    for (auto* each : {&p.u, &p.delta, &p.b, &p.c, &p.z, &p.d_out}) {
      const auto rounded = convert<Bf16>(*each);
      for (std::size_t i = 0; i < each->size(); ++i) (*each)[i] = to_float(rounded[i]);
    }
    expect_near(run<Bf16>(p, GetParam()->forward_bf16, GetParam()->backward_bf16), define(p), 5e-3);
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

TEST_P(ScanKernelsTest, AnItemDoesNotDependOnTheOthers) {
  const Problem p = make_problem(300, 16, true, {20, 40});
  const auto together = run<float>(p, GetParam()->forward, GetParam()->backward);
  const auto again = run<float>(p, GetParam()->forward, GetParam()->backward);
  EXPECT_EQ(together.out, again.out);
  EXPECT_EQ(together.d_a, again.d_a);
  EXPECT_EQ(together.d_b, again.d_b);
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
