// Gradients that are the same bits each time, by kernels that LibTorch does not take by itself.
#pragma once

#include <functional>

#include "mvn/torch.h"

namespace mvn {

// A function of queries, keys and values.
using AttentionFunction = std::function<torch::Tensor(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v)>;

// function(q, k, v). Where determinism is asked for, its gradients are computed by deterministic
// kernels even if LibTorch was only to warn: its attention would go on with the others.
torch::Tensor with_deterministic_gradient(const AttentionFunction& function, const torch::Tensor& q,
                                          const torch::Tensor& k, const torch::Tensor& v);

}  // namespace mvn
