#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "cuda/arithmetic.h"
#include "exponentials.h"

namespace mvn::benchmark {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocks = 8192;
constexpr int kChains = 8;    // a thread's, side by side
constexpr int kSteps = 1024;  // of each

// Every step takes the one before, so that none can be left out.
template <typename Real>
__global__ void exponentials_kernel(float* sink) {
  float x[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) x[i] = -0.001F * static_cast<float>(threadIdx.x + i);
#pragma unroll 4
  for (int step = 0; step < kSteps; ++step) {
#pragma unroll
    for (int i = 0; i < kChains; ++i) x[i] = mamba::gpu::Math<Real>::exp2(-x[i]);
  }
  float sum = 0.0F;
#pragma unroll
  for (int i = 0; i < kChains; ++i) sum += x[i];
  if (sum == 12345.0F) *sink = sum;  // never
}

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string("the exponentials failed on the GPU: ") +
                           cudaGetErrorString(error));
}

}  // namespace

double launch_exponentials(bool bfloat16, float* sink, int device, void* stream) {
  check(cudaSetDevice(device));
  auto* const on = static_cast<cudaStream_t>(stream);
  if (bfloat16) {
    exponentials_kernel<Half><<<kBlocks, kThreads, 0, on>>>(sink);
  } else {
    exponentials_kernel<float><<<kBlocks, kThreads, 0, on>>>(sink);
  }
  check(cudaGetLastError());
  return static_cast<double>(kBlocks) * kThreads * kChains * kSteps;
}

}  // namespace mvn::benchmark
