// Sequences packed one after the other, without their padding.
#pragma once

#include "mvn/real_tokens.h"
#include "mvn/torch.h"

namespace mvn::mamba {

// The real tokens of a batch, and where each of its B sequences lies among them and their chunks.
struct Packing : RealTokens {
  torch::Tensor chunk_offsets;  // [B + 1] int64: each sequence's first scan chunk
};

// mask [B, L] bool, true on real tokens, padding on either side.
Packing make_packing(const torch::Tensor& mask);

}  // namespace mvn::mamba
