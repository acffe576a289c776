#include "train/trainer/random.h"

#include <ATen/CPUGeneratorImpl.h>

#include <string>

#include "common/hashing.h"

namespace mvn {

std::uint64_t stream_seed(std::int64_t seed, std::string_view purpose) {
  const std::string digest = sha256(std::to_string(seed) + "/" + std::string(purpose));
  return std::stoull(digest.substr(0, 16), nullptr, 16);
}

torch::Generator stream_generator(std::int64_t seed, std::string_view purpose) {
  return at::detail::createCPUGenerator(stream_seed(seed, purpose));
}

// Source: Sebastiano Vigna's public-domain splitmix64.c.
std::uint64_t SplitMix::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t SplitMix::below(std::uint64_t bound) {
  // Draws from the incomplete last multiple of `bound` would favour small numbers: drawn again.
  const std::uint64_t unfair = (0 - bound) % bound;
  std::uint64_t draw = next();
  while (draw < unfair) draw = next();
  return draw % bound;
}

}  // namespace mvn
