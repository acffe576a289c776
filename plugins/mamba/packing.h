// Sequences packed one after the other, without their padding.
#pragma once

#include <torch/torch.h>

#include "mvn/real_tokens.h"

namespace mvn::mamba {

// The real tokens of a batch, and where each of its B sequences lies among them.
struct Packing : RealTokens {
  torch::Tensor offsets;        // [B + 1] int64 on the CPU: each sequence's first packed token
  torch::Tensor chunk_offsets;  // [B + 1] int64 on the CPU: each one's first scan chunk
  torch::Tensor on_device;      // [2, B + 1]: both, on the mask's GPU, if it is on one
};

// mask [B, L] bool, true on real tokens, padding on either side.
Packing make_packing(const torch::Tensor& mask);

}  // namespace mvn::mamba
