// The dropout's mask: for every element alone, on any processor. Inlined, as mvn/half.h says why.
#pragma once

#include <cstdint>

#include "mvn/half.h"

namespace mvn {

// Chris Wellons' lowbias32: a mix of 32 bits whose every output bit depends on every input bit.
__attribute__((always_inline)) constexpr std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x;
}

// An element stays where its hash is at least `threshold`.
struct Mask {
  std::uint32_t low;
  std::uint32_t high;
  std::uint32_t threshold;
  float scale;

  // The two halves of the seed enter at different depths, so that seeds do not shift one sequence.
  [[nodiscard]] __attribute__((always_inline)) constexpr float factor(std::uint32_t index) const {
    return mix(mix(index + low) ^ high) >= threshold ? scale : 0.0F;
  }
};

// The mask whose seed is larger by `step`.
constexpr Mask moved(Mask mask, std::uint64_t step) {
  const std::uint64_t seed = ((std::uint64_t{mask.high} << 32) | mask.low) + step;
  mask.low = static_cast<std::uint32_t>(seed);
  mask.high = static_cast<std::uint32_t>(seed >> 32);
  return mask;
}

__attribute__((always_inline)) constexpr float dropped(float value, std::uint32_t index,
                                                       const Mask& mask) {
  return value * mask.factor(index);
}

}  // namespace mvn
