// The kernels for a tensor's elements.
#pragma once

#include "mvn/torch.h"
#include "train/sdk/cpu/kernels.h"

namespace mvn {

// Whether there are kernels for these elements.
inline bool has_cpu_kernels(const torch::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16);
}

// A tensor's elements as the kernels' type.
template <typename Real>
const Real* in(const torch::Tensor& x) {
  return static_cast<const Real*>(x.const_data_ptr());
}

template <typename Real>
Real* out(const torch::Tensor& x) {
  return static_cast<Real*>(x.mutable_data_ptr());
}

// Calls `run` with a value and the kernels of the element type of `x`.
template <typename Run>
void with_cpu_kernels(const torch::Tensor& x, const Run& run) {
  if (x.scalar_type() == torch::kFloat32) {
    run(float{}, cpu_kernels().floats);
  } else {
    run(Half{}, cpu_kernels().halves);
  }
}

}  // namespace mvn
