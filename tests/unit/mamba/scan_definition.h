// The selective scan's definition, written out in double with no care for speed, and a problem for
// it: what every kernel is checked against.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "scan_kernels.h"

namespace mvn::mamba {

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

inline Problem make_problem(std::int64_t channels, std::int64_t states, bool gated,
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

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

// One channel of one sequence, forward and backward.
inline void define_channel(const Problem& p, std::int64_t first, std::int64_t length,
                           std::int64_t channel, Result& r) {
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

inline Result define(const Problem& p) {
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

inline float as_float(float x) { return x; }

template <typename Real>
std::vector<Real> convert(const std::vector<float>& values);
template <>
inline std::vector<float> convert<float>(const std::vector<float>& values) {
  return values;
}
template <>
inline std::vector<Half> convert<Half>(const std::vector<float>& values) {
  std::vector<Half> result;
  for (const float value : values) {
    result.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)});
  }
  return result;
}

template <typename Real>
inline Numbers numbers(const std::vector<Real>& values) {
  Numbers result;
  for (const Real value : values) result.push_back(as_float(value));
  return result;
}

inline void round_to_bfloat16(std::vector<float>& values) {
  const auto rounded = convert<Half>(values);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = as_float(rounded[i]);
}

inline void round_to_bfloat16(Problem& p) {
  for (auto* each : {&p.u, &p.delta, &p.b, &p.c, &p.z, &p.d_out}) round_to_bfloat16(*each);
}

// Sums `parts` stacked arrays.
inline Numbers sum_parts(const std::vector<float>& values, std::size_t size) {
  Numbers result(size);
  for (std::size_t i = 0; i < values.size(); ++i) result[i % size] += values[i];
  return result;
}

// Memory aligned as the kernels want that of the kept states.
template <typename T>
struct Aligned {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};
  Aligned() = default;
  template <typename Other>
  explicit Aligned(const Aligned<Other>& /*other*/) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T* values, std::size_t /*count*/) { ::operator delete(values, kAlignment); }
  bool operator==(const Aligned& /*other*/) const { return true; }
};
using AlignedFloats = std::vector<float, Aligned<float>>;

// A problem as the kernels take it, and room for what they write, filled with NaN.
template <typename Real>
class Arrays {
 public:
  // `parts` of dB and dC.
  Arrays(const Problem& p, std::int64_t parts, std::size_t checkpoint_size)
      : u_(convert<Real>(p.u)),
        delta_(convert<Real>(p.delta)),
        b_(convert<Real>(p.b)),
        c_(convert<Real>(p.c)),
        z_(convert<Real>(p.z)),
        d_out_(convert<Real>(p.d_out)),
        bias_(p.bias),
        a_(p.a),
        d_(p.d),
        offsets_(p.offsets),
        chunk_offsets_(p.chunk_offsets) {
    in.channels = p.channels;
    in.states = p.states;
    in.sequences = p.sequences();
    in.offsets = offsets_.data();
    in.chunk_offsets = chunk_offsets_.data();
    in.u = u_.data();
    in.delta = delta_.data();
    in.u_stride = in.delta_stride = in.z_stride = p.channels;
    in.delta_bias = bias_.data();
    in.a = a_.data();
    in.b = b_.data();
    in.c = c_.data();
    in.b_stride = in.c_stride = p.states;
    in.d = d_.data();
    in.z = p.gated ? z_.data() : nullptr;
    outputs = {reserve(out_, u_.size()), reserve(checkpoints_, checkpoint_size)};
    const auto per_sequence = static_cast<std::size_t>(p.sequences() * p.channels);
    gradients.d_out = d_out_.data();
    gradients.d_out_stride = gradients.d_z_stride = p.channels;
    gradients.checkpoints = checkpoints_.data();
    gradients.d_u = reserve(d_u_, u_.size());
    gradients.d_delta = reserve(d_delta_, u_.size());
    gradients.d_z = p.gated ? reserve(d_z_, u_.size()) : nullptr;
    gradients.d_b = reserve(d_b_, b_.size() * static_cast<std::size_t>(parts));
    gradients.d_c = reserve(d_c_, c_.size() * static_cast<std::size_t>(parts));
    gradients.d_a = reserve(d_a_, per_sequence * static_cast<std::size_t>(p.states));
    gradients.d_d = reserve(d_d_, per_sequence);
    gradients.d_delta_bias = reserve(d_bias_, per_sequence);
  }

  [[nodiscard]] Result result() const {
    return {numbers(out_),
            numbers(d_u_),
            numbers(d_delta_),
            numbers(d_z_),
            sum_parts(d_b_, b_.size()),
            sum_parts(d_c_, c_.size()),
            sum_parts(d_a_, a_.size()),
            sum_parts(d_d_, d_.size()),
            sum_parts(d_bias_, bias_.size())};
  }

  [[nodiscard]] const AlignedFloats& checkpoints() const { return checkpoints_; }

  ScanInputs<Real> in;
  ScanOutputs<Real> outputs;
  ScanGradients<Real> gradients;

 private:
  template <typename Values>
  static auto* reserve(Values& values, std::size_t size) {
    values.resize(size);
    if (size > 0) std::memset(values.data(), 0xff, size * sizeof(values[0]));
    return values.data();
  }

  std::vector<Real> u_, delta_, b_, c_, z_, d_out_;
  std::vector<float> bias_, a_, d_;
  std::vector<std::int64_t> offsets_, chunk_offsets_;
  std::vector<Real> out_, d_u_, d_delta_, d_z_;
  AlignedFloats checkpoints_;
  std::vector<float> d_b_, d_c_, d_a_, d_d_, d_bias_;
};

// The largest difference, relative to the largest value of `expected` (but to no less than
// 1e-25: a decay below the smallest normal float may count as 0).
inline double relative_error(const Numbers& actual, const Numbers& expected) {
  double difference = 0;
  double size = 1e-25;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double here = std::abs(actual[i] - expected[i]);
    difference = here <= difference ? difference : here;  // a NaN stays
    if (std::isnan(difference)) return difference;
    size = std::max(size, std::abs(expected[i]));
  }
  return difference / size;
}

inline void expect_near(const Result& actual, const Result& expected, double bound) {
  EXPECT_LT(relative_error(actual.out, expected.out), bound) << "out";
  EXPECT_LT(relative_error(actual.d_u, expected.d_u), bound) << "d_u";
  EXPECT_LT(relative_error(actual.d_delta, expected.d_delta), bound) << "d_delta";
  if (!actual.d_z.empty()) {
    EXPECT_LT(relative_error(actual.d_z, expected.d_z), bound) << "d_z";
  }
  EXPECT_LT(relative_error(actual.d_b, expected.d_b), bound) << "d_b";
  EXPECT_LT(relative_error(actual.d_c, expected.d_c), bound) << "d_c";
  EXPECT_LT(relative_error(actual.d_a, expected.d_a), bound) << "d_a";
  EXPECT_LT(relative_error(actual.d_d, expected.d_d), bound) << "d_d";
  EXPECT_LT(relative_error(actual.d_bias, expected.d_bias), bound) << "d_bias";
}

}  // namespace mvn::mamba
