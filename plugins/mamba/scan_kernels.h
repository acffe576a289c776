// The selective scan on a CPU: fused, without the state in memory, forward and backward.
//
// Per token t and channel d, with N states (Mamba, arXiv 2312.00752, section 3.6 and algorithm 2):
//   delta = softplus(delta_raw + delta_bias)
//   state[n] = exp(delta A[n]) state[n] + delta B[n] u          (Euler for B, as the reference
//   does) y = sum_n C[n] state[n] + D u,   out = y silu(z)
//
// Everything is token-major ([tokens, channels], rows `*_stride` elements apart), as the matrix
// products around the scan make and take it. Sequences lie one after the other; `offsets` bounds
// them, so padding costs nothing. The states are kept only at the first token of every chunk of
// kScanChunk tokens; the backward pass recomputes the rest.
//
// The work is cut into items by sequence and channel group, never by thread: results are the same
// bits whatever the number of threads. This header knows nothing of LibTorch, because the files
// that implement it are compiled for one instruction set each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mvn/half.h"

namespace mvn::mamba {

inline constexpr std::int64_t kScanChunk = 16;   // tokens between two kept states
inline constexpr std::int64_t kScanGroup = 256;  // channels of a work item
inline constexpr std::int64_t kMaxScanStates = 64;

template <typename Real>
struct ScanInputs {
  std::int64_t channels = 0;
  std::int64_t states = 0;                // N, at most kMaxScanStates
  const std::int64_t* offsets = nullptr;  // [sequences + 1] token indices
  std::int64_t sequences = 0;
  const std::int64_t* chunk_offsets = nullptr;  // [sequences + 1] index of each one's first chunk
  const Real* u = nullptr;
  std::int64_t u_stride = 0;
  const Real* delta = nullptr;  // before the bias and the softplus
  std::int64_t delta_stride = 0;
  const float* delta_bias = nullptr;  // [channels] or null
  const float* a = nullptr;           // [channels, states], negative
  const Real* b = nullptr;            // [tokens, states]
  std::int64_t b_stride = 0;
  const Real* c = nullptr;  // [tokens, states]
  std::int64_t c_stride = 0;
  const float* d = nullptr;  // [channels] or null
  const Real* z = nullptr;   // [tokens, channels] or null
  std::int64_t z_stride = 0;
};

// checkpoints: [chunks, group-padded channels, states] in the kernel's own order, of
// scan_checkpoint_size() floats, aligned to 64 bytes; null when no gradient will be asked for.
template <typename Real>
struct ScanOutputs {
  Real* out = nullptr;  // [tokens, channels], contiguous
  float* checkpoints = nullptr;
};

// Gradients; a null pointer is one that nobody asked for (a frozen parameter's).
template <typename Real>
struct ScanGradients {
  const Real* d_out = nullptr;  // [tokens, channels]
  std::int64_t d_out_stride = 0;
  const float* checkpoints = nullptr;
  Real* d_u = nullptr;      // [tokens, channels], contiguous
  Real* d_delta = nullptr;  // of delta before bias and softplus
  Real* d_z = nullptr;      // rows d_z_stride apart
  std::int64_t d_z_stride = 0;
  float* d_b = nullptr;  // [groups, tokens, states]: one part a channel group, to be summed
  float* d_c = nullptr;  // likewise
  float* d_a = nullptr;  // [sequences, channels, states]: one part a sequence
  float* d_d = nullptr;  // [sequences, channels]
  float* d_delta_bias = nullptr;  // [sequences, channels]
};

constexpr std::int64_t scan_groups(std::int64_t channels) {
  return (channels + kScanGroup - 1) / kScanGroup;
}
constexpr std::int64_t scan_chunks(std::int64_t tokens) {
  return (tokens + kScanChunk - 1) / kScanChunk;
}
// Floats that the kept states of `chunks` chunks take.
constexpr std::size_t scan_checkpoint_size(std::int64_t chunks, std::int64_t channels,
                                           std::int64_t states) {
  constexpr std::int64_t kLanes = 16;  // the widest vector; narrower ones pad alike
  const std::int64_t padded = (channels + kLanes - 1) / kLanes * kLanes;
  return static_cast<std::size_t>(chunks * padded * states);
}

inline constexpr std::int64_t kMaxConvWidth = 8;

// The causal depthwise convolution before the scan, with its activation:
//   out[t] = silu(bias + sum_k weight[k] x[t - width + 1 + k]), x = 0 before its sequence's start.
template <typename Real>
struct ConvInputs {
  std::int64_t channels = 0;
  std::int64_t width = 0;                 // at most kMaxConvWidth
  const std::int64_t* offsets = nullptr;  // as in ScanInputs
  std::int64_t sequences = 0;
  const Real* x = nullptr;
  std::int64_t x_stride = 0;
  const float* weight = nullptr;  // [channels, width]
  const float* bias = nullptr;    // [channels] or null
};

template <typename Real>
struct ConvGradients {
  const Real* d_out = nullptr;  // [tokens, channels], contiguous
  Real* d_x = nullptr;
  std::int64_t d_x_stride = 0;
  float* d_weight = nullptr;  // [sequences, channels, width]: one part a sequence; or null
  float* d_bias = nullptr;    // [sequences, channels]; or null
};

// The kernels for one instruction set. Item i of sequences x groups is sequence i / groups, group
// i % groups; items are independent.
struct ScanKernels {
  const char* name;
  void (*forward)(const ScanInputs<float>&, const ScanOutputs<float>&, std::int64_t item);
  void (*backward)(const ScanInputs<float>&, const ScanGradients<float>&, std::int64_t item);
  void (*forward_bf16)(const ScanInputs<Half>&, const ScanOutputs<Half>&, std::int64_t item);
  void (*backward_bf16)(const ScanInputs<Half>&, const ScanGradients<Half>&, std::int64_t item);
  void (*conv_forward)(const ConvInputs<float>&, float* out, std::int64_t item);
  void (*conv_backward)(const ConvInputs<float>&, const ConvGradients<float>&, std::int64_t item);
  void (*conv_forward_bf16)(const ConvInputs<Half>&, Half* out, std::int64_t item);
  void (*conv_backward_bf16)(const ConvInputs<Half>&, const ConvGradients<Half>&,
                             std::int64_t item);
};

extern const ScanKernels kScanPortable;  // right everywhere
extern const ScanKernels kScanAvx2;
extern const ScanKernels kScanAvx512;

// Those for the best instruction set (mvn/cpu_isa.h).
const ScanKernels& scan_kernels();

}  // namespace mvn::mamba
