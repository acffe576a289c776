#include "dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <mutex>

namespace mvn {
namespace {

// Chris Wellons' lowbias32: a mix of 32 bits whose every output bit depends on every input bit.
inline std::uint32_t mix(std::uint32_t x) {
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
  [[nodiscard]] float factor(std::uint32_t index) const {
    return mix(mix(index + low) ^ high) >= threshold ? scale : 0.0F;
  }
};

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define MVN_FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MVN_FOR_EACH_PROCESSOR
#endif

MVN_FOR_EACH_PROCESSOR
void drop_floats(const float* from, float* to, std::int64_t begin, std::int64_t end, Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = from[i] * mask.factor(static_cast<std::uint32_t>(i));
  }
}

MVN_FOR_EACH_PROCESSOR
void drop_halves(const std::uint16_t* from, std::uint16_t* to, std::int64_t begin, std::int64_t end,
                 Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    const auto wide = static_cast<std::uint32_t>(from[i]) << 16;
    const float value =
        __builtin_bit_cast(float, wide) * mask.factor(static_cast<std::uint32_t>(i));
    const auto bits = __builtin_bit_cast(std::uint32_t, value);
    // To the nearest even. A NaN may become infinite, which the trainer finds as well.
    to[i] = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
}

#undef MVN_FOR_EACH_PROCESSOR

void drop_into(const torch::Tensor& from, torch::Tensor& to, const Dropout& dropout) {
  const Mask mask{static_cast<std::uint32_t>(dropout.seed),
                  static_cast<std::uint32_t>(dropout.seed >> 32),
                  static_cast<std::uint32_t>(std::lround(dropout.p * 4294967296.0)),
                  static_cast<float>(1 / (1 - dropout.p))};
  constexpr std::int64_t kGrain = 1 << 15;
  at::parallel_for(0, from.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (from.scalar_type() == torch::kFloat32) {
      drop_floats(from.const_data_ptr<float>(), to.mutable_data_ptr<float>(), begin, end, mask);
    } else {
      drop_halves(static_cast<const std::uint16_t*>(from.const_data_ptr()),
                  static_cast<std::uint16_t*>(to.mutable_data_ptr()), begin, end, mask);
    }
  });
}

}  // namespace

Dropout draw_dropout(double p) {
  if (p == 0) return {};
  auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(
      std::nullopt, at::detail::getDefaultCPUGenerator());
  const std::lock_guard<std::mutex> lock(generator->mutex_);
  return {p, generator->random64()};
}

torch::Tensor drop(const torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return x;
  const auto from = x.contiguous();
  auto to = torch::empty_like(from);
  drop_into(from, to, dropout);
  return to;
}

void drop_(torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p != 0) drop_into(x, x, dropout);
}

}  // namespace mvn
