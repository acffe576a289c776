// Sequences packed one after the other, without their padding.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace mvn::mamba {

// Where the real tokens of a batch lie. Shapes: B sequences, L padded length, T real tokens.
struct Packing {
  torch::Tensor offsets;        // [B + 1] int64 on the CPU: each sequence's first packed token
  torch::Tensor chunk_offsets;  // [B + 1] int64 on the CPU: each one's first scan chunk
  torch::Tensor on_device;      // [2, B + 1]: both, on the mask's GPU, if it is on one
  torch::Tensor indices;  // [T] int64 into the flattened [B L]; undefined when nothing is padded
  std::int64_t batch = 0;
  std::int64_t length = 0;
};

// mask [B, L] bool, true on real tokens, padding on either side.
Packing make_packing(const torch::Tensor& mask);

// x [B, L, ...] -> [T, ...]
torch::Tensor pack(const torch::Tensor& x, const Packing& packing);
// Where one real token of each row lies in the packed batch: columns positions_B -> [B] int64.
torch::Tensor packed_index(const torch::Tensor& positions_B, const torch::Tensor& mask,
                           const Packing& packing);
// x [T, ...] -> [B, L, ...], zero on the padding.
torch::Tensor unpack(const torch::Tensor& x, const Packing& packing);

}  // namespace mvn::mamba
