// Results that should not depend on the number of threads.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "support/tensors.h"

namespace mvn::test {

// Whether oneDNN multiplies bfloat16 with AMX: its sums are then laid out by the number of threads.
inline bool multiplies_with_amx() {
  if (std::getenv("ONEDNN_MAX_CPU_ISA") != nullptr) return false;  // all that we set are below it
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(" amx_bf16") != std::string::npos;
}

// The same to the last bit; products of bfloat16 with AMX but for their rounding.
inline void expect_same(const torch::Tensor& alone, const torch::Tensor& together,
                        torch::ScalarType type) {
  if (type == torch::kBFloat16 && multiplies_with_amx()) {
    EXPECT_LT(relative_error(alone, together), 1e-2);
  } else {
    EXPECT_TRUE(torch::equal(alone, together));
  }
}

}  // namespace mvn::test
