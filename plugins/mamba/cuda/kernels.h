// The scan and the convolution on a GPU: what scan_kernels.h defines, with every pointer into the
// GPU's memory. Knows nothing of LibTorch, and is linked with nothing of CUDA's that a machine
// without a GPU lacks.
//
// N is 16 and the convolution has up to four taps, as every published Mamba-1. Gradients are sums
// of parts, in a fixed order; nothing is added atomically. Launches are asynchronous and throw
// std::runtime_error where CUDA refuses one.
#pragma once

#include <string>

#include "scan_kernels.h"

namespace mvn::mamba::gpu {

// Why the kernels do not run on this GPU, in words to put after a colon; empty where they do.
// Nothing else may be called where they do not. Asks CUDA once a device; throws std::runtime_error,
// and asks again the next time, where its memory is full.
const std::string& refusal(int device);

inline constexpr std::int64_t kScanStates = 16;
inline constexpr std::int64_t kLongestConv = 4;

// The scan's two forward kernels, which give the same bits: a thread a channel or four threads a
// channel (scan_forward.h).
enum class ScanForward { kByChannel, kByQuad };

// Which one: by what a GPU with so many multiprocessors is filled with, or what MVN_SCAN_CUDA says
// ("channel" or "quad"; throws std::runtime_error for anything else).
ScanForward choose_scan_forward(std::int64_t sequences, std::int64_t channels,
                                std::int64_t multiprocessors);

struct Launch {
  int device;    // CUDA's number
  void* stream;  // a cudaStream_t
};

// Parts of dB and dC: ScanGradients::d_b and d_c are [parts, tokens, states].
std::int64_t scan_parts(std::int64_t sequences, std::int64_t channels, int device);
// Parts of the convolution's weight and bias gradients, [parts, ...].
std::int64_t conv_parts(std::int64_t tokens);

// ScanOutputs::checkpoints: chunks * channels * 16 floats.
template <typename Real>
void scan_forward(const ScanInputs<Real>& in, const ScanOutputs<Real>& out, const Launch& launch);
template <typename Real>
void scan_backward(const ScanInputs<Real>& in, const ScanGradients<Real>& out, std::int64_t parts,
                   const Launch& launch);
template <typename Real>
void conv_forward(const ConvInputs<Real>& in, Real* out, std::int64_t tokens, const Launch& launch);
template <typename Real>
void conv_backward(const ConvInputs<Real>& in, const ConvGradients<Real>& out, std::int64_t tokens,
                   const Launch& launch);

}  // namespace mvn::mamba::gpu
