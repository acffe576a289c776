#include "mvn/attention.h"

#include <algorithm>
#include <optional>

#include "mvn/real_tokens.h"
#include "train/sdk/bf16_products.h"
#include "train/sdk/deterministic.h"

namespace mvn {

using torch::Tensor;

namespace {

// [B, H, n W, K] -> [B n, H, W, K].
Tensor in_blocks(const Tensor& x_BHLK, std::int64_t window) {
  return x_BHLK.unflatten(2, {-1, window}).transpose(1, 2).flatten(0, 1);
}

// The keys that the queries of blocks 1, 2, ... can see: the block before, and their own.
Tensor pairs_of_blocks(const Tensor& x_BHLK, std::int64_t window) {
  const auto reach = x_BHLK.size(2) - window;
  return torch::cat({in_blocks(x_BHLK.narrow(2, 0, reach), window),
                     in_blocks(x_BHLK.narrow(2, window, reach), window)},
                    2);
}

// Causal attention to the last `window` keys, exactly: the sequence is cut into blocks of that
// length, whose queries see no further than the block before.
Tensor attend_in_blocks(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK,
                        std::int64_t window, double scale, double dropout) {
  const auto batch = q_BHLK.size(0);
  const auto length = q_BHLK.size(2);
  const auto missing = (window - length % window) % window;
  // Keys after the end are seen by queries after the end alone.
  const auto padded = [&](const Tensor& x) {
    return missing == 0 ? x : torch::constant_pad_nd(x, {0, 0, 0, missing});
  };
  const auto q = padded(q_BHLK);
  const auto k = padded(k_BHLK);
  const auto v = padded(v_BHLK);
  const auto first = torch::scaled_dot_product_attention(
      q.narrow(2, 0, window), k.narrow(2, 0, window), v.narrow(2, 0, window), std::nullopt, dropout,
      /*is_causal=*/true, scale);
  // Query i of a block sees the keys i + 1 to i + window of the pair of blocks.
  const auto band =
      torch::ones({window, 2 * window}, q.options().dtype(torch::kBool)).triu(1).tril(window);
  const auto rest = torch::scaled_dot_product_attention(
      in_blocks(q.narrow(2, window, q.size(2) - window), window), pairs_of_blocks(k, window),
      pairs_of_blocks(v, window), band, dropout, /*is_causal=*/false, scale);
  const auto joined = rest.unflatten(0, {batch, -1}).transpose(1, 2).flatten(2, 3);
  return torch::cat({first, joined}, 2).narrow(2, 0, length);
}

// Whether LibTorch's flash attention serves these: it chose it, or cuDNN's, which asks for no less,
// for the same heads without a window.
bool flash_serves(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK, double scale,
                  double dropout) {
  const auto type = q_BHLK.scalar_type();
  if (!q_BHLK.is_cuda() || (type != torch::kBFloat16 && type != torch::kHalf) ||
      q_BHLK.size(3) % 8 != 0 || !at::globalContext().userEnabledFlashSDP()) {
    return false;
  }
  const auto choice = static_cast<at::SDPBackend>(at::_fused_sdp_choice(
      q_BHLK, k_BHLK, v_BHLK, std::nullopt, dropout, /*is_causal=*/true, scale));
  return choice == at::SDPBackend::flash_attention || choice == at::SDPBackend::cudnn_attention;
}

// Causal attention to the last `window` keys by LibTorch's flash kernels, which have their own
// gradient. They take and give [B, L, H, K].
Tensor attend_by_flash(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK,
                       std::int64_t window, double scale, double dropout) {
  const auto length = q_BHLK.size(2);
  const auto out_BLHK = std::get<0>(at::_flash_attention_forward(
      q_BHLK.transpose(1, 2), k_BHLK.transpose(1, 2), v_BHLK.transpose(1, 2),
      /*cum_seq_q=*/std::nullopt, /*cum_seq_k=*/std::nullopt, length, length, dropout,
      /*is_causal=*/true, /*return_debug_mask=*/false, scale, /*window_size_left=*/window - 1,
      /*window_size_right=*/0));
  return out_BLHK.transpose(1, 2);
}

}  // namespace

bool has_early_padding(const Tensor& mask_BL) {
  if (!mask_BL.defined() || mask_BL.numel() == 0) return false;
  if (const auto* known = KnownTokens::of(mask_BL)) return known->early_padding;
  const auto bytes_BL = mask_BL.to(torch::kUInt8);
  return (bytes_BL != std::get<0>(torch::cummin(bytes_BL, 1))).any().item<bool>();
}

Visible visible_keys(const Tensor& ids_BL, const Tensor& mask_BL, std::int64_t window) {
  return visible_keys(ids_BL, mask_BL, window, has_early_padding(mask_BL));
}

Visible visible_keys(const Tensor& ids_BL, const Tensor& mask_BL, std::int64_t window,
                     bool early_padding) {
  const auto length = ids_BL.size(1);
  const bool windowed = window != 0 && length > window;
  // Padding behind a token is hidden from it by causality alone.
  if (!early_padding) return {.causal = true, .window = windowed ? window : 0, .mask = {}};
  auto visible = torch::ones({length, length}, ids_BL.options().dtype(torch::kBool)).tril();
  if (windowed) visible = visible.triu(1 - window);
  // Padding sees itself: a row without any key would be 0 / 0.
  const auto itself = torch::eye(length, visible.options());
  return {
      .causal = false, .window = 0, .mask = (visible & mask_BL.unsqueeze(1).unsqueeze(1)) | itself};
}

Visible visible_keys_at(const Tensor& positions_B, const Tensor& ids_BL, const Tensor& mask_BL,
                        std::int64_t window) {
  const auto column_L = torch::arange(ids_BL.size(1), positions_B.options());
  const auto query_B1 = positions_B.unsqueeze(1);
  auto visible_BL = column_L <= query_B1;
  if (window != 0) visible_BL = visible_BL & (column_L > query_B1 - window);
  if (mask_BL.defined()) visible_BL = visible_BL & mask_BL;
  return {.causal = false, .window = 0, .mask = visible_BL.unsqueeze(1).unsqueeze(1)};
}

namespace {

// LibTorch prepares every small bfloat16 product on a CPU anew, which takes longer than the product
// until keys are about this many (forward and backward of 12 heads of 64, measured at 10 to 512).
constexpr std::int64_t kKeysWorthHalfPrecision = 256;

bool faster_in_float(const Tensor& k_BHLK) {
  return k_BHLK.is_cpu() && k_BHLK.scalar_type() == torch::kBFloat16 &&
         (k_BHLK.size(2) < kKeysWorthHalfPrecision || !has_bf16_products());
}

Tensor attend_by_torch(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK,
                       const Visible& visible, double scale, double dropout) {
  if (visible.window != 0) {
    if (flash_serves(q_BHLK, k_BHLK, v_BHLK, scale, dropout)) {
      return attend_by_flash(q_BHLK, k_BHLK, v_BHLK, visible.window, scale, dropout);
    }
    return attend_in_blocks(q_BHLK, k_BHLK, v_BHLK, visible.window, scale, dropout);
  }
  const auto mask = visible.causal ? std::nullopt : std::optional<Tensor>(visible.mask);
  return torch::scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, mask, dropout, visible.causal,
                                             scale);
}

}  // namespace

Tensor attend(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK,
              const Visible& visible, double scale, double dropout) {
  if (faster_in_float(k_BHLK)) {
    // Autocast would round them to bfloat16 once more.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    return attend(q_BHLK.to(torch::kFloat32), k_BHLK.to(torch::kFloat32),
                  v_BHLK.to(torch::kFloat32), visible, scale, dropout)
        .to(torch::kBFloat16);
  }
  const auto attention = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    return attend_by_torch(q, k, v, visible, scale, dropout);
  };
  if (q_BHLK.is_cpu()) return attention(q_BHLK, k_BHLK, v_BHLK);
  // A GPU's kernels add up the gradients in any order unless they are told not to.
  return with_deterministic_gradient(attention, q_BHLK, k_BHLK, v_BHLK);
}

double visible_pairs(std::int64_t length, std::int64_t window) {
  const auto reach = static_cast<double>(window == 0 ? length : std::min(window, length));
  // Query i sees min(i, reach) keys.
  return static_cast<double>(length) * reach - reach * (reach - 1) / 2;
}

Tensor split_heads(const Tensor& x_BLD, std::int64_t heads) {
  return x_BLD.view({x_BLD.size(0), x_BLD.size(1), heads, x_BLD.size(2) / heads}).transpose(1, 2);
}

Tensor join_heads(const Tensor& x_BHLK) { return x_BHLK.transpose(1, 2).flatten(2); }

}  // namespace mvn
