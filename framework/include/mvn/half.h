#pragma once

#include <cstdint>

namespace mvn {

// The bits of a bfloat16, for kernels that know no LibTorch.
struct Half {
  std::uint16_t bits;
};

}  // namespace mvn
