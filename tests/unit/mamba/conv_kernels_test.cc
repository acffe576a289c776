// The causal convolution's kernels against the definition, written out in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

using Numbers = std::vector<double>;

struct Problem {
  std::int64_t channels;
  std::int64_t width;
  std::vector<std::int64_t> offsets;
  std::vector<float> x, weight, bias, d_out;
};

Problem make_problem(std::int64_t channels, std::int64_t width) {
  Problem p{channels, width, {0, 1, 3, 20, 60}, {}, {}, {}, {}};
  std::mt19937 random(static_cast<unsigned>(channels));
  std::normal_distribution<float> normal;
  const auto draw = [&](std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(random);
    return values;
  };
  p.x = draw(p.offsets.back() * channels);
  p.weight = draw(channels * width);
  p.bias = draw(channels);
  p.d_out = draw(p.offsets.back() * channels);
  return p;
}

struct Result {
  Numbers out, d_x, d_weight, d_bias;
};

Result define(const Problem& p) {
  Result r{Numbers(p.x.size()), Numbers(p.x.size()), Numbers(p.weight.size()),
           Numbers(p.bias.size())};
  for (std::size_t s = 0; s + 1 < p.offsets.size(); ++s) {
    for (std::int64_t t = p.offsets[s]; t < p.offsets[s + 1]; ++t) {
      for (std::int64_t c = 0; c < p.channels; ++c) {
        const auto at = [&](std::int64_t row) {
          return static_cast<std::size_t>(row * p.channels + c);
        };
        const auto tap = [&](std::int64_t k) { return static_cast<std::size_t>(c * p.width + k); };
        double sum = p.bias[static_cast<std::size_t>(c)];
        for (std::int64_t k = 0; k < p.width; ++k) {
          const std::int64_t row = t - p.width + 1 + k;
          if (row >= p.offsets[s]) sum += double{p.weight[tap(k)]} * p.x[at(row)];
        }
        const double sigmoid = 1 / (1 + std::exp(-sum));
        r.out[at(t)] = sum * sigmoid;
        const double g = p.d_out[at(t)] * sigmoid * (1 + sum * (1 - sigmoid));
        r.d_bias[static_cast<std::size_t>(c)] += g;
        for (std::int64_t k = 0; k < p.width; ++k) {
          const std::int64_t row = t - p.width + 1 + k;
          if (row < p.offsets[s]) continue;
          r.d_x[at(row)] += g * p.weight[tap(k)];
          r.d_weight[tap(k)] += g * p.x[at(row)];
        }
      }
    }
  }
  return r;
}

void expect_near(const std::vector<float>& actual, const Numbers& expected, const char* what) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    // Parts, one a sequence, are summed: `actual` may hold several.
    size = std::max(size, std::abs(expected[i % expected.size()]));
  }
  Numbers sums(expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) sums[i % sums.size()] += actual[i];
  for (std::size_t i = 0; i < sums.size(); ++i) {
    difference = std::max(difference, std::abs(sums[i] - expected[i]));
  }
  EXPECT_LT(difference / size, 1e-6) << what;
}

void check(const ScanKernels& kernels, const Problem& p) {
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
  const Result expected = define(p);
  expect_near(out, expected.out, "out");
  expect_near(d_x, expected.d_x, "d_x");
  expect_near(d_weight, expected.d_weight, "d_weight");
  expect_near(d_bias, expected.d_bias, "d_bias");
}

TEST(ConvKernels, MatchTheDefinition) {
  std::vector<const ScanKernels*> all = {&kScanPortable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kScanAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    all.push_back(&kScanAvx512);
  }
#endif
  for (const ScanKernels* kernels : all) {
    SCOPED_TRACE(kernels->name);
    for (const auto& [channels, width] :
         {std::pair<std::int64_t, std::int64_t>{32, 4}, {300, 4}, {5, 4}, {17, 2}, {3, 7}}) {
      SCOPED_TRACE(channels);
      check(*kernels, make_problem(channels, width));
    }
  }
}

}  // namespace
}  // namespace mvn::mamba
