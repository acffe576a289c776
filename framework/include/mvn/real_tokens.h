// The real tokens of a padded batch, one row after the other: nothing need be computed for padding.
#pragma once

#include <cstdint>

#include "mvn/torch.h"

namespace mvn {

// Shapes: B rows, L columns, T real tokens.
struct RealTokens {
  torch::Tensor indices;  // [T] int64 into the flattened [B L]; undefined where nothing is padded
  torch::Tensor offsets;  // [B + 1] int64: each row's first token among them
  std::int64_t batch = 0;
  std::int64_t length = 0;
  bool early_padding = false;  // padding comes before a real token of its row
  // The way back, undefined where nothing is padded:
  torch::Tensor tokens_of;  // [B L] int64: each cell's token among the packed ones; 0 of padding
  torch::Tensor padding;    // [B L] bool
};

// mask_BL bool, true on real tokens, or undefined where all of ids_BL are. To find them on a GPU is
// to wait for it; where they are known, see KnownTokens, nothing is waited for.
RealTokens real_tokens(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL);

// While it lives, this thread knows the real tokens of one mask: whoever made the mask had it on
// the host, before it was on a GPU.
class KnownTokens {
 public:
  KnownTokens(torch::Tensor mask_BL, RealTokens tokens);
  ~KnownTokens();
  KnownTokens(const KnownTokens&) = delete;
  KnownTokens& operator=(const KnownTokens&) = delete;

  // Those of this very tensor; null where they are not known.
  static const RealTokens* of(const torch::Tensor& mask_BL);

 private:
  torch::Tensor mask_BL_;
  RealTokens tokens_;
  const KnownTokens* before_;
};

// Both ways, and for gradients too, rows are gathered: each has one place at most, so that nothing
// is added up and one order is as good as another. x [B, L, ...] -> [T, ...]
torch::Tensor pack(const torch::Tensor& x, const RealTokens& tokens);
// x [T, ...] -> [B, L, ...], zero on the padding.
torch::Tensor unpack(const torch::Tensor& x, const RealTokens& tokens);

// Where one real token of each row lies among the packed ones: columns positions_B -> [B] int64.
torch::Tensor packed_index(const torch::Tensor& positions_B, const torch::Tensor& mask_BL,
                           const RealTokens& tokens);

}  // namespace mvn
