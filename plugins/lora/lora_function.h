// A linear layer with its low-rank update as one step of the graph.
#pragma once

#include "mvn/torch.h"

namespace mvn {

// True where lora_linear() may take the place of the plain composition: on a CPU, or on a GPU with
// the dropout compiled for it, float32 or bfloat16, the base frozen, no autocast.
bool can_fuse_lora(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                   const torch::Tensor& a);

// x W^T + b + scaling * dropout(x) A^T B^T, x [..., in], W [out, in], A [r, in], B [out, r].
//
// The update is added into the base product, and its gradient into the gradient of x, so that no
// pass over [tokens, in] or [tokens, out] is left but the products' own and the dropout's. Of the
// activations only x is kept, which layers side by side share. With a bfloat16 base the output is
// as exact as a float32 update rounded once; the gradients pass through bfloat16 products, which
// sum in float32.
torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias, const torch::Tensor& a, const torch::Tensor& b,
                          double scaling, double dropout);

}  // namespace mvn
