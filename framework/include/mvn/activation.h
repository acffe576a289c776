#pragma once

#include "mvn/torch.h"

namespace mvn {

// GELU in its tanh form, of any shape; on a CPU in one pass. Source: transformers'
// NewGELUActivation (activations.py).
torch::Tensor gelu_tanh(const torch::Tensor& x);

}  // namespace mvn
