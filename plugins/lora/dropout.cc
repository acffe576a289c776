#include "dropout.h"

#include <cmath>
#include <utility>

#include "cuda/dropout.h"
#include "dropout_mask.h"
#include "mvn/parallel.h"
#include "mvn/seed.h"
#include "mvn/stream.h"
#include "thin_products.h"

namespace mvn {
namespace {

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
  const auto* halves = static_cast<const Half*>(from.const_data_ptr());
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
  const auto& kernels = thin_kernels();
  parallel_for(from.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (is_float) {
      kernels.drop_floats(floats, target, begin, end, mask);
    } else {
      kernels.drop_halves(halves, target, begin, end, mask);
    }
  });
  return to;
}

void drop_in_place(torch::Tensor& x, const Dropout& dropout) {
  if (dropout.p == 0) return;
  const Mask mask = mask_of(dropout);
  auto* floats = static_cast<float*>(x.mutable_data_ptr());
  auto* halves = static_cast<Half*>(x.mutable_data_ptr());
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
  const auto& kernels = thin_kernels();
  parallel_for(x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (is_float) {
      kernels.drop_floats(floats, floats, begin, end, mask);
    } else {
      kernels.drop_halves_in_place(halves, begin, end, mask);
    }
  });
}

}  // namespace mvn
