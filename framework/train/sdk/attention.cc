#include "mvn/attention.h"

#include <optional>

namespace mvn {

using torch::Tensor;

namespace {

// Padding before a real token, which causality alone does not hide from it.
bool has_early_padding(const Tensor& mask_BL) {
  if (!mask_BL.defined() || mask_BL.numel() == 0) return false;
  const auto bytes_BL = mask_BL.to(torch::kUInt8);
  return (bytes_BL != std::get<0>(torch::cummin(bytes_BL, 1))).any().item<bool>();
}

}  // namespace

Visible visible_keys(const Tensor& ids_BL, const Tensor& mask_BL, std::int64_t window) {
  const auto length = ids_BL.size(1);
  const bool padded = has_early_padding(mask_BL);
  const bool windowed = window != 0 && length > window;
  if (!padded && !windowed) return {};
  auto visible = torch::ones({length, length}, ids_BL.options().dtype(torch::kBool)).tril();
  if (windowed) visible = visible.triu(1 - window);
  if (!padded) return {/*causal=*/false, visible};
  // Padding sees itself: a row without any key would be 0 / 0.
  const auto itself = torch::eye(length, visible.options());
  return {/*causal=*/false, (visible & mask_BL.unsqueeze(1).unsqueeze(1)) | itself};
}

Tensor attend(const Tensor& q_BHLK, const Tensor& k_BHLK, const Tensor& v_BHLK,
              const Visible& visible, double scale, double dropout) {
  const auto mask = visible.causal ? std::nullopt : std::optional<Tensor>(visible.mask);
  return torch::scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, mask, dropout, visible.causal,
                                             scale);
}

Tensor split_heads(const Tensor& x_BLD, std::int64_t heads) {
  return x_BLD.view({x_BLD.size(0), x_BLD.size(1), heads, x_BLD.size(2) / heads}).transpose(1, 2);
}

Tensor join_heads(const Tensor& x_BHLK) { return x_BHLK.transpose(1, 2).flatten(2); }

}  // namespace mvn
