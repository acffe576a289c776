#pragma once

#include <cstdint>

namespace mvn {

// The bits of a bfloat16, for kernels that know no LibTorch.
struct Half {
  std::uint16_t bits;
};

// Inlined whatever the compiler thinks: of files compiled for several instruction sets, none may
// call another's.
__attribute__((always_inline)) constexpr float as_float(Half half) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(half.bits) << 16);
}

// To the nearest even; a NaN stays one, as with LibTorch.
__attribute__((always_inline)) constexpr Half as_half(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<std::uint16_t>(value != value ? 0x7fc0U : rounded)};
}

}  // namespace mvn
