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

inline float wide(std::uint16_t half) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(half) << 16);
}

MVN_FOR_EACH_PROCESSOR
void drop_halves(const std::uint16_t* from, float* to, std::int64_t begin, std::int64_t end,
                 Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = wide(from[i]) * mask.factor(static_cast<std::uint32_t>(i));
  }
}

MVN_FOR_EACH_PROCESSOR
void drop_halves(std::uint16_t* values, std::int64_t begin, std::int64_t end, Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float value = wide(values[i]) * mask.factor(static_cast<std::uint32_t>(i));
    const auto bits = __builtin_bit_cast(std::uint32_t, value);
    // To the nearest even. A NaN may become infinite, which the trainer finds as well.
    values[i] = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
}

#undef MVN_FOR_EACH_PROCESSOR

Mask mask_of(const Dropout& dropout) {
  return {static_cast<std::uint32_t>(dropout.seed), static_cast<std::uint32_t>(dropout.seed >> 32),
          static_cast<std::uint32_t>(std::lround(dropout.p * 4294967296.0)),
          static_cast<float>(1 / (1 - dropout.p))};
}

constexpr std::int64_t kGrain = 1 << 15;  // elements worth a thread

}  // namespace

Dropout draw_dropout(double p) {
  if (p == 0) return {};
  auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(
      std::nullopt, at::detail::getDefaultCPUGenerator());
  const std::lock_guard<std::mutex> lock(generator->mutex_);
  return {p, generator->random64()};
}

torch::Tensor drop(const torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return x.to(torch::kFloat32);
  const Mask mask = mask_of(dropout);
  const auto from = x.contiguous();
  auto to = torch::empty_like(from, torch::kFloat32);
  auto* target = to.mutable_data_ptr<float>();
  at::parallel_for(0, from.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (from.scalar_type() == torch::kFloat32) {
      drop_floats(from.const_data_ptr<float>(), target, begin, end, mask);
    } else {
      drop_halves(static_cast<const std::uint16_t*>(from.const_data_ptr()), target, begin, end,
                  mask);
    }
  });
  return to;
}

void drop_(torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return;
  const Mask mask = mask_of(dropout);
  at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (x.scalar_type() == torch::kFloat32) {
      auto* values = x.mutable_data_ptr<float>();
      drop_floats(values, values, begin, end, mask);
    } else {
      drop_halves(static_cast<std::uint16_t*>(x.mutable_data_ptr()), begin, end, mask);
    }
  });
}

}  // namespace mvn
