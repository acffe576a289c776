// Small things that tests of tensors say often.
#pragma once

#include <cmath>
#include <cstdint>

#include "mvn/torch.h"

namespace mvn::test {

inline torch::Generator generator(std::uint64_t seed = 5) {
  return torch::make_generator<at::CPUGeneratorImpl>(seed);
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Of numbers that should be at most `size` large: relative to it, or, where all should be exactly
// zero, the difference itself.
inline double relative(double difference, double size) {
  return size == 0 ? difference : difference / size;
}

// The larger of two errors; a NaN stays.
inline double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }

// The largest difference, relative to the largest value expected; of any types and devices.
inline double relative_error(const torch::Tensor& expected, const torch::Tensor& got) {
  const auto wide = expected.to(torch::kCPU, torch::kDouble);
  return relative(largest_difference(wide, got.to(torch::kCPU, torch::kDouble)),
                  wide.abs().max().item<double>());
}

}  // namespace mvn::test
