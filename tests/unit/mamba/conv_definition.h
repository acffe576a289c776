// The causal convolution's definition, written out in double, and a problem for it.
#pragma once

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "scan_definition.h"

namespace mvn::mamba {

struct ConvProblem {
  std::int64_t channels;
  std::int64_t width;
  std::vector<std::int64_t> offsets;
  std::vector<float> x, weight, bias, d_out;
};

inline ConvProblem make_conv_problem(std::int64_t channels, std::int64_t width,
                                     std::vector<std::int64_t> offsets) {
  ConvProblem p{channels, width, std::move(offsets), {}, {}, {}, {}};
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

struct ConvResult {
  Numbers out, d_x, d_weight, d_bias;
};

inline ConvResult define(const ConvProblem& p) {
  ConvResult r{Numbers(p.x.size()), Numbers(p.x.size()), Numbers(p.weight.size()),
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

// `actual` may be several parts, to be summed.
inline void expect_sum_near(const Numbers& actual, const Numbers& expected, double bound,
                            const char* what) {
  Numbers sums(expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) sums[i % sums.size()] += actual[i];
  EXPECT_LT(relative_error(sums, expected), bound) << what;
}

}  // namespace mvn::mamba
