// Small things that tests of tensors say often.
#pragma once

#include <cstdint>

#include "mvn/torch.h"

namespace mvn::test {

inline torch::Generator generator(std::uint64_t seed = 5) {
  return torch::make_generator<at::CPUGeneratorImpl>(seed);
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace mvn::test
