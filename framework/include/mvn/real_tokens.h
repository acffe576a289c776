// The real tokens of a padded batch, one row after the other: nothing need be computed for padding.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace mvn {

// Shapes: B rows, L columns, T real tokens.
struct RealTokens {
  torch::Tensor indices;  // [T] int64 into the flattened [B L]; undefined where nothing is padded
  std::int64_t batch = 0;
  std::int64_t length = 0;
  // [B] of each row, where that is known without waiting for a GPU and no row has padding before a
  // real token; else empty.
  std::vector<std::int64_t> lengths = {};
};

// mask_BL bool, true on real tokens, or undefined where all of ids_BL are.
RealTokens real_tokens(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL);

// x [B, L, ...] -> [T, ...]
torch::Tensor pack(const torch::Tensor& x, const RealTokens& tokens);
// x [T, ...] -> [B, L, ...], zero on the padding.
torch::Tensor unpack(const torch::Tensor& x, const RealTokens& tokens);

// Where one real token of each row lies among the packed ones: columns positions_B -> [B] int64.
torch::Tensor packed_index(const torch::Tensor& positions_B, const torch::Tensor& mask_BL,
                           const RealTokens& tokens);

}  // namespace mvn
