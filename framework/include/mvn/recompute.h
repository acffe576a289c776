// Activation checkpointing: a layer's activations are thrown away and made again for its gradients.
#pragma once

#include <functional>

#include "mvn/torch.h"

namespace mvn {

// While it lives, recomputed() of this thread does so, if `enabled`.
class RecomputeScope {
 public:
  explicit RecomputeScope(bool enabled);
  RecomputeScope(const RecomputeScope&) = delete;
  RecomputeScope& operator=(const RecomputeScope&) = delete;
  ~RecomputeScope();

 private:
  bool before_;
};

// layer(x). Within a RecomputeScope, and where gradients are asked for, only x is kept: backward()
// runs the layer a second time, with the same random numbers and under the same autocast, so that
// every gradient is bit for bit the same. Tensors other than x that the layer reads get their
// gradients only where they are leaves: call backward(), not torch::autograd::grad().
//
// A model wraps each of its layers in this one call.
torch::Tensor recomputed(std::function<torch::Tensor(const torch::Tensor&)> layer,
                         const torch::Tensor& x);

}  // namespace mvn
