// A linear layer on a CPU with its low-rank update as one step of the graph.
#pragma once

#include "mvn/frozen_weight.h"
#include "mvn/torch.h"

namespace mvn {

// x W^T + b + scaling * dropout(x) A^T B^T: x [..., in], the weight W [out, in] float32 or
// bfloat16, A [r, in] and B [out, r] float32; the bias [out] may be undefined.
//
// What lora_linear() computes, by kernels for thin matrices: no pass over [tokens, in] or
// [tokens, out] is left but the products' own. Of the activations only x is kept, which layers side
// by side share, and a bit an element for the dropout. The update and its gradients are computed in
// float32 and, with a bfloat16 base, rounded once.
torch::Tensor lora_linear_cpu(const torch::Tensor& x,
                              const c10::intrusive_ptr<FrozenWeight>& weight,
                              const torch::Tensor& bias, const torch::Tensor& a,
                              const torch::Tensor& b, double scaling, double dropout);

}  // namespace mvn
