#include "dropout.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <utility>

#include "cuda/dropout.h"
#include "dropout_mask.h"
#include "mvn/seed.h"
#include "mvn/stream.h"

namespace mvn {
namespace {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define MVN_FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MVN_FOR_EACH_PROCESSOR
#endif

MVN_FOR_EACH_PROCESSOR
void drop_floats(const float* from, float* to, std::int64_t begin, std::int64_t end, Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = dropped(from[i], static_cast<std::uint32_t>(i), mask);
  }
}

MVN_FOR_EACH_PROCESSOR
void drop_halves(const std::uint16_t* from, float* to, std::int64_t begin, std::int64_t end,
                 Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    to[i] = dropped(wide(from[i]), static_cast<std::uint32_t>(i), mask);
  }
}

MVN_FOR_EACH_PROCESSOR
void drop_halves(std::uint16_t* values, std::int64_t begin, std::int64_t end, Mask mask) {
  for (std::int64_t i = begin; i < end; ++i) {
    values[i] = narrow(dropped(wide(values[i]), static_cast<std::uint32_t>(i), mask));
  }
}

#undef MVN_FOR_EACH_PROCESSOR

Mask mask_of(const Dropout& dropout) {
  return {static_cast<std::uint32_t>(dropout.seed), static_cast<std::uint32_t>(dropout.seed >> 32),
          static_cast<std::uint32_t>(std::lround(dropout.p * 4294967296.0)),
          static_cast<float>(1 / (1 - dropout.p))};
}

constexpr std::int64_t kGrain = 1 << 15;  // elements worth a thread

gpu::Launch launch_on(const torch::Tensor& x) {
  return {x.device().index(), current_stream(x.device())};
}

// What a kernel adds to the mask's seed: a number of the GPU's, or null.
const std::int64_t* step_of(const Dropout& dropout) {
  return dropout.step.defined() ? dropout.step.const_data_ptr<std::int64_t>() : nullptr;
}

}  // namespace

Dropout draw_dropout(double p) {
  if (p == 0) return {};
  auto [number, step] = draw_seed();
  return {p, number, std::move(step)};
}

torch::Tensor drop(const torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return x.to(torch::kFloat32);
  const Mask mask = mask_of(dropout);
  const auto from = x.contiguous();
  auto to = torch::empty_like(from, torch::kFloat32);
  auto* target = to.mutable_data_ptr<float>();
  const auto* floats = static_cast<const float*>(from.const_data_ptr());
  const auto* halves = static_cast<const std::uint16_t*>(from.const_data_ptr());
  const bool is_float = from.scalar_type() == torch::kFloat32;
  if (x.is_cuda()) {
    const c10::DeviceGuard guard(x.device());
    if (is_float) {
      gpu::drop(floats, target, from.numel(), mask, step_of(dropout), launch_on(x));
    } else {
      gpu::drop(halves, target, from.numel(), mask, step_of(dropout), launch_on(x));
    }
    return to;
  }
  at::parallel_for(0, from.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (is_float) {
      drop_floats(floats, target, begin, end, mask);
    } else {
      drop_halves(halves, target, begin, end, mask);
    }
  });
  return to;
}

void drop_(torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return;
  const Mask mask = mask_of(dropout);
  auto* floats = static_cast<float*>(x.mutable_data_ptr());
  auto* halves = static_cast<std::uint16_t*>(x.mutable_data_ptr());
  const bool is_float = x.scalar_type() == torch::kFloat32;
  if (x.is_cuda()) {
    const c10::DeviceGuard guard(x.device());
    if (is_float) {
      gpu::drop(floats, floats, x.numel(), mask, step_of(dropout), launch_on(x));
    } else {
      gpu::drop(halves, halves, x.numel(), mask, step_of(dropout), launch_on(x));
    }
    return;
  }
  at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (is_float) {
      drop_floats(floats, floats, begin, end, mask);
    } else {
      drop_halves(halves, begin, end, mask);
    }
  });
}

}  // namespace mvn
