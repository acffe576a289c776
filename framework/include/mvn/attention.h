// Causal attention with padding and windows, in the cheapest form that says what is visible.
//
// Shapes: B batch, L length, H heads, K width of a head.
#pragma once

#include <cstdint>

#include "mvn/real_tokens.h"
#include "mvn/torch.h"

namespace mvn {

// Which keys a query sees.
struct Visible {
  bool causal = true;       // every key up to the query,
  std::int64_t window = 0;  // or, where this is not 0, the last so many of them; otherwise:
  torch::Tensor mask;       // bool, true where visible, [B, 1, queries, keys]
};

// True where padding comes before a real token. To know, a GPU is waited for, unless its tokens
// are known (KnownTokens): ask once a batch.
bool has_early_padding(const torch::Tensor& mask_BL);

// A query sees the real keys up to itself, the last `window` of them where window is not 0.
// `mask_BL` is true on real tokens and may be undefined; what padding itself sees is left open, as
// nothing reads it.
Visible visible_keys(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL,
                     std::int64_t window);
// The same where has_early_padding(mask_BL) is known.
Visible visible_keys(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL, std::int64_t window,
                     bool early_padding);

// The same for one query of each row, a real token in column positions_B.
Visible visible_keys_at(const torch::Tensor& positions_B, const torch::Tensor& ids_BL,
                        const torch::Tensor& mask_BL, std::int64_t window);

// softmax(scale q k^T) v over the visible keys, [B, H, L, K]; the scores in float32. A window makes
// the work and the memory linear in L; on a GPU LibTorch's flash kernels do it in half precision.
torch::Tensor attend(const torch::Tensor& q_BHLK, const torch::Tensor& k_BHLK,
                     const torch::Tensor& v_BHLK, const Visible& visible, double scale,
                     double dropout);

// Whether attend_packed() takes these; it is the faster where it does.
bool can_attend_packed(const torch::Tensor& q, const RealTokens& tokens, std::int64_t heads,
                       double dropout);
// The same attention, causal and to the last `window` keys where window is not 0, over packed rows:
// k and v [T, H K], q [T, H K] -> [T, H K]; or, where `index_B` is defined, only the query of that
// token of each row: q [B, H K] -> [B, H K].
torch::Tensor attend_packed(const torch::Tensor& q, const torch::Tensor& k_TD,
                            const torch::Tensor& v_TD, const RealTokens& tokens,
                            const torch::Tensor& index_B, std::int64_t heads, std::int64_t window,
                            double scale);

// Pairs of a query and a key that it sees, in a causal sequence of `length` tokens; 0 is no window.
double visible_pairs(std::int64_t length, std::int64_t window);

// [B, L, H K] -> [B, H, L, K], and back.
torch::Tensor split_heads(const torch::Tensor& x_BLD, std::int64_t heads);
torch::Tensor join_heads(const torch::Tensor& x_BHLK);

}  // namespace mvn
