// The kernels of one instruction set. The including file defines kLanes, the floats of a vector,
// and kRows x kVectors, the accumulators of a product that its registers hold.

#include "mvn/lanes_body.h"
#include "train/sdk/cpu/attention_body.h"
#include "train/sdk/cpu/gelu_body.h"
#include "train/sdk/cpu/norm_body.h"

template <typename Real>
constexpr TypedKernels<Real> typed_kernels() {
  return {&attend<Real>, &attend_backward<Real>, &gelu<Real>, &gelu_backward<Real>};
}

template <typename In, typename Out>
constexpr NormKernels<In, Out> norm_kernels() {
  return {&rms_norm<In, Out>, &rms_norm_backward<In, Out>};
}

constexpr CpuKernels kernels(const char* name) {
  return {name,
          typed_kernels<float>(),
          typed_kernels<Half>(),
          norm_kernels<float, float>(),
          norm_kernels<float, Half>(),
          norm_kernels<Half, Half>()};
}
