// The convolution and the scan of a Mamba block from LibTorch's own operations: slow and plain, for
// any device and type. What the fused ones are checked against.
#pragma once

#include "mvn/torch.h"

namespace mvn::mamba {

// Shapes: B batch, L length, I inner width (channels), K kernel, N states.

// silu(causal depthwise convolution): weight_I1K[:, 0, K-1] meets the current token; bias_I may be
// undefined.
torch::Tensor plain_conv(const torch::Tensor& x_BLI, const torch::Tensor& weight_I1K,
                         const torch::Tensor& bias_I);

// Per token and channel i, with delta = softplus(delta + delta_bias), the state starting at 0:
//   state[n] = exp(delta A[n]) state[n] + delta B[n] u
//   y = (sum_n C[n] state[n] + D u) silu(z)
// In float32 (float64 for float64), rounded to u's type at the end. a_IN is negative; d_I, z_BLI
// and delta_bias_I may be undefined.
torch::Tensor plain_scan(const torch::Tensor& u_BLI, const torch::Tensor& delta_BLI,
                         const torch::Tensor& a_IN, const torch::Tensor& b_BLN,
                         const torch::Tensor& c_BLN, const torch::Tensor& d_I,
                         const torch::Tensor& z_BLI, const torch::Tensor& delta_bias_I);

}  // namespace mvn::mamba
