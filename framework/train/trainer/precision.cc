#include "train/trainer/precision.h"

#include <ATen/autocast_mode.h>

#include "train/sdk/bf16_products.h"

namespace mvn {

void set_numerics(int threads, Precision precision) {
  torch::set_num_threads(threads);
  widen_bf16_products();
  auto& context = at::globalContext();
  context.setAllowTF32CuBLAS(precision == Precision::kTf32);
  context.setAllowTF32CuDNN(precision == Precision::kTf32);
  // The same result again from the same start, where LibTorch can; a warning where it cannot.
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  // Its attention makes a plan for every new shape, and its backward pass is not deterministic.
  context.setSDPUseCuDNN(false);
}

AutocastScope::AutocastScope(bool enabled, torch::Device device)
    : enabled_(enabled), device_(device.type()) {
  if (!enabled_) return;
  at::autocast::increment_nesting();
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
}

AutocastScope::~AutocastScope() {
  if (!enabled_) return;
  at::autocast::set_autocast_enabled(device_, false);
  // The cache holds bf16 copies of weights that the next step changes.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

}  // namespace mvn
