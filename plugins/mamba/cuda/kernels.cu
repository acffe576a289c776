#include <cuda_runtime.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include "conv.h"
#include "kernels.h"
#include "scan_backward.h"
#include "scan_forward.h"

namespace mvn::mamba::gpu {
namespace {

template <typename Real>
__global__ void __launch_bounds__(kThreads)
    forward_by_channel_kernel(const ScanInputs<Real> in, const ScanOutputs<Real> out) {
  __shared__ ChannelShared shared;
  GpuBlock<ChannelLane<Real>> block;
  forward_by_channel(in, out, blockIdx.x, std::int64_t{blockIdx.y} * kThreads, block, shared);
}

template <typename Real>
__global__ void __launch_bounds__(kThreads)
    forward_by_quad_kernel(const ScanInputs<Real> in, const ScanOutputs<Real> out) {
  __shared__ QuadShared shared;
  GpuBlock<QuadLane<Real>> block;
  forward_by_quad(in, out, blockIdx.x, std::int64_t{blockIdx.y} * kQuadChannels, block, shared);
}

template <bool kA, typename Real>
__global__ void __launch_bounds__(kThreads, 4)
    backward_kernel(const ScanInputs<Real> in, const ScanGradients<Real> out) {
  __shared__ BackwardShared shared;
  GpuBlock<BackwardLane<Real>> block;
  backward<kA>(in, out, blockIdx.x, blockIdx.y, gridDim.y, block, shared);
}

template <typename Real>
__global__ void __launch_bounds__(kThreads)
    conv_forward_kernel(const ConvInputs<Real> in, Real* out) {
  const std::int64_t channel = std::int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (channel < in.channels) conv_forward(in, out, blockIdx.x, channel);
}

template <typename Real>
__global__ void __launch_bounds__(kThreads)
    conv_backward_kernel(const ConvInputs<Real> in, const ConvGradients<Real> out) {
  const std::int64_t channel = std::int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (channel < in.channels) conv_backward(in, out, blockIdx.x, channel);
}

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + " failed on the GPU: " + cudaGetErrorString(error));
}

std::int64_t multiprocessors(int device) {
  int count = 0;
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
        "cudaDeviceGetAttribute");
  return count;
}

// Four blocks of the backward pass, as their registers allow, need most of a multiprocessor's
// shared memory: none of it is to be kept for the cache.
template <typename Kernel>
cudaError_t give_shared_memory(Kernel* kernel) {
  return cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                              cudaSharedmemCarveoutMaxShared);
}

// Too old a driver, or a GPU that there is no machine code for, shows in the first calls. A GPU
// without memory at the moment is no reason.
std::string ask_cuda(int device) {
  cudaError_t error = cudaSetDevice(device);
  cudaFuncAttributes attributes;
  if (error == cudaSuccess)
    error = cudaFuncGetAttributes(&attributes, &backward_kernel<true, Half>);
  if (error == cudaSuccess) error = give_shared_memory(&backward_kernel<true, Half>);
  if (error == cudaSuccess) error = give_shared_memory(&backward_kernel<false, Half>);
  if (error == cudaSuccess) error = give_shared_memory(&backward_kernel<true, float>);
  if (error == cudaSuccess) error = give_shared_memory(&backward_kernel<false, float>);
  static_cast<void>(cudaGetLastError());
  if (error == cudaErrorMemoryAllocation) check(error, "preparing Mamba's kernels");
  return error == cudaSuccess ? "" : cudaGetErrorString(error);
}

// The runtime linked here keeps a current device of its own, beside LibTorch's.
void use(const Launch& launch) { check(cudaSetDevice(launch.device), "cudaSetDevice"); }

dim3 grid_of(std::int64_t x, std::int64_t y) {
  return {static_cast<unsigned>(x), static_cast<unsigned>(y)};
}

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

const std::string& refusal(int device) {
  static std::mutex mutex;
  static std::map<int, std::string> known;
  const std::lock_guard<std::mutex> lock(mutex);
  auto place = known.find(device);
  if (place == known.end()) place = known.emplace(device, ask_cuda(device)).first;
  return place->second;
}

std::int64_t scan_parts(std::int64_t sequences, std::int64_t channels, int device) {
  // Four blocks fit a multiprocessor; twice as many even out sequences of different lengths.
  const std::int64_t blocks = 8 * multiprocessors(device);
  const std::int64_t groups = divide_up(channels, kQuadChannels);
  return std::clamp<std::int64_t>(divide_up(blocks, std::max<std::int64_t>(sequences, 1)), 1,
                                  groups);
}

std::int64_t conv_parts(std::int64_t tokens) { return conv_tiles(tokens); }

template <typename Real>
void scan_forward(const ScanInputs<Real>& in, const ScanOutputs<Real>& out, const Launch& launch) {
  use(launch);
  auto* stream = static_cast<cudaStream_t>(launch.stream);
  if (choose_scan_forward(in.sequences, in.channels, multiprocessors(launch.device)) ==
      ScanForward::kByChannel) {
    forward_by_channel_kernel<<<grid_of(in.sequences, divide_up(in.channels, kThreads)), kThreads,
                                0, stream>>>(in, out);
  } else {
    forward_by_quad_kernel<<<grid_of(in.sequences, divide_up(in.channels, kQuadChannels)), kThreads,
                             0, stream>>>(in, out);
  }
  check(cudaGetLastError(), "the scan");
}

template <typename Real>
void scan_backward(const ScanInputs<Real>& in, const ScanGradients<Real>& out, std::int64_t parts,
                   const Launch& launch) {
  use(launch);
  auto* stream = static_cast<cudaStream_t>(launch.stream);
  const dim3 grid = grid_of(in.sequences, parts);
  if (out.d_a != nullptr) {
    backward_kernel<true><<<grid, kThreads, 0, stream>>>(in, out);
  } else {
    backward_kernel<false><<<grid, kThreads, 0, stream>>>(in, out);
  }
  check(cudaGetLastError(), "the scan's backward pass");
}

template <typename Real>
void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t tokens,
                  const Launch& launch) {
  use(launch);
  const dim3 grid = grid_of(conv_tiles(tokens), divide_up(in.channels, kThreads));
  conv_forward_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(launch.stream)>>>(in, out);
  check(cudaGetLastError(), "the convolution");
}

template <typename Real>
void conv_backward(const ConvInputs<Real>& in, const ConvGradients<Real>& out, std::int64_t tokens,
                   const Launch& launch) {
  use(launch);
  const dim3 grid = grid_of(conv_tiles(tokens), divide_up(in.channels, kThreads));
  conv_backward_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(launch.stream)>>>(in, out);
  check(cudaGetLastError(), "the convolution's backward pass");
}

template void scan_forward(const ScanInputs<float>&, const ScanOutputs<float>&, const Launch&);
template void scan_forward(const ScanInputs<Half>&, const ScanOutputs<Half>&, const Launch&);
template void scan_backward(const ScanInputs<float>&, const ScanGradients<float>&, std::int64_t,
                            const Launch&);
template void scan_backward(const ScanInputs<Half>&, const ScanGradients<Half>&, std::int64_t,
                            const Launch&);
template void conv_forward(const ConvInputs<float>&, float*, std::int64_t, const Launch&);
template void conv_forward(const ConvInputs<Half>&, Half*, std::int64_t, const Launch&);
template void conv_backward(const ConvInputs<float>&, const ConvGradients<float>&, std::int64_t,
                            const Launch&);
template void conv_backward(const ConvInputs<Half>&, const ConvGradients<Half>&, std::int64_t,
                            const Launch&);

}  // namespace mvn::mamba::gpu
