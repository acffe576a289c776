#include <cuda_runtime.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "dropout.h"

namespace mvn::gpu {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMostBlocks = 4096;

__device__ float read(float x) { return x; }
__device__ float read(Half x) { return as_float(x); }
__device__ void write(float* to, float x) { *to = x; }
__device__ void write(Half* to, float x) { *to = as_half(x); }

template <typename From, typename To>
__global__ void drop_kernel(const From* from, To* to, std::int64_t count, Mask mask,
                            const std::int64_t* step_of_seed) {
  if (step_of_seed != nullptr) mask = moved(mask, static_cast<std::uint64_t>(*step_of_seed));
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count; i += step) {
    write(to + i, dropped(read(from[i]), static_cast<std::uint32_t>(i), mask));
  }
}

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string("the dropout failed on the GPU: ") +
                           cudaGetErrorString(error));
}

// Too old a driver, or a GPU that there is no machine code for, shows in either call. A GPU without
// memory at the moment is no reason.
bool ask_cuda(int device) {
  cudaError_t error = cudaSetDevice(device);
  cudaFuncAttributes attributes;
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, &drop_kernel<float, float>);
  static_cast<void>(cudaGetLastError());
  if (error == cudaErrorMemoryAllocation) check(error);
  return error == cudaSuccess;
}

template <typename From, typename To>
void run(const From* from, To* to, std::int64_t count, const Mask& mask, const std::int64_t* step,
         const Launch& launch) {
  if (count == 0) return;
  // The runtime linked here keeps a current device of its own, beside LibTorch's.
  check(cudaSetDevice(launch.device));
  const std::int64_t blocks = std::min(kMostBlocks, (count + kThreads - 1) / kThreads);
  drop_kernel<<<static_cast<unsigned>(blocks), kThreads, 0,
                static_cast<cudaStream_t>(launch.stream)>>>(from, to, count, mask, step);
  check(cudaGetLastError());
}

}  // namespace

bool has_dropout(int device) {
  static std::mutex mutex;
  static std::map<int, bool> known;
  const std::lock_guard<std::mutex> lock(mutex);
  auto place = known.find(device);
  if (place == known.end()) place = known.emplace(device, ask_cuda(device)).first;
  return place->second;
}

void drop(const float* from, float* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch) {
  run(from, to, count, mask, step, launch);
}
void drop(const Half* from, float* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch) {
  run(from, to, count, mask, step, launch);
}
void drop(const Half* from, Half* to, std::int64_t count, const Mask& mask,
          const std::int64_t* step, const Launch& launch) {
  run(from, to, count, mask, step, launch);
}

}  // namespace mvn::gpu
