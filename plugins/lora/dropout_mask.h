// The dropout's mask, and bfloat16's bits: for every element alone, on any processor.
#pragma once

#include <bit>
#include <cstdint>

namespace mvn {

// Chris Wellons' lowbias32: a mix of 32 bits whose every output bit depends on every input bit.
constexpr std::uint32_t mix(std::uint32_t x) {
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
  [[nodiscard]] constexpr float factor(std::uint32_t index) const {
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

constexpr float wide(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

// To the nearest even. A NaN may become infinite, which the trainer finds as well.
constexpr std::uint16_t narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

constexpr float dropped(float value, std::uint32_t index, const Mask& mask) {
  return value * mask.factor(index);
}

}  // namespace mvn
