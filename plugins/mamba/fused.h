// The convolution and the scan of a Mamba block, through the kernels of scan_kernels.h on a CPU and
// those of cuda/kernels.h on a GPU, with gradients only for what asks for one.
#pragma once

#include "mvn/torch.h"
#include "packing.h"

namespace mvn::mamba {

// True where a fused function can serve: float32 or bfloat16 on a CPU, or on a GPU for which the
// kernels were compiled, and a state or a convolution that the kernels hold.
bool can_fuse_conv(const torch::Tensor& x, std::int64_t width);
bool can_fuse_scan(const torch::Tensor& x, std::int64_t states);

// silu(causal depthwise convolution): x [T, D] (rows may be strided), weight [D, 1, K] and bias [D]
// (or undefined) -> [T, D].
torch::Tensor fused_conv(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, const Packing& packing);

// The scan as scan_kernels.h defines it: u, delta (before bias and softplus), z [T, D] of one type,
// b, c [T, N] of the same, a [D, N] (negative), d [D] and delta_bias [D] float32 -> [T, D]. z, d
// and delta_bias may be undefined.
torch::Tensor fused_scan(const torch::Tensor& u, const torch::Tensor& delta, const torch::Tensor& a,
                         const torch::Tensor& b, const torch::Tensor& c, const torch::Tensor& d,
                         const torch::Tensor& z, const torch::Tensor& delta_bias,
                         const Packing& packing);

}  // namespace mvn::mamba
