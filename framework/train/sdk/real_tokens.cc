#include "mvn/real_tokens.h"

#include <utility>

#include "mvn/attention.h"

namespace mvn {

using torch::Tensor;

namespace {

thread_local const KnownTokens* newest_known = nullptr;

}  // namespace

KnownTokens::KnownTokens(Tensor mask_BL, RealTokens tokens)
    : mask_BL_(std::move(mask_BL)),
      tokens_(std::move(tokens)),
      before_(std::exchange(newest_known, this)) {}

KnownTokens::~KnownTokens() { newest_known = before_; }

const RealTokens* KnownTokens::of(const Tensor& mask_BL) {
  const auto* known = newest_known;
  while (known != nullptr && !known->mask_BL_.is_same(mask_BL)) known = known->before_;
  return known == nullptr ? nullptr : &known->tokens_;
}

RealTokens real_tokens(const Tensor& ids_BL, const Tensor& mask_BL) {
  if (const auto* known = KnownTokens::of(mask_BL)) return *known;
  RealTokens tokens{.indices = {},
                    .offsets = {},
                    .batch = ids_BL.size(0),
                    .length = ids_BL.size(1),
                    .early_padding = has_early_padding(mask_BL)};
  if (!mask_BL.defined()) {
    tokens.offsets = torch::arange(tokens.batch + 1, ids_BL.options()) * tokens.length;
    return tokens;
  }
  tokens.offsets = torch::constant_pad_nd(mask_BL.sum(1, false, torch::kInt64).cumsum(0), {1, 0});
  auto indices = mask_BL.reshape({-1}).nonzero().squeeze(1);
  if (indices.size(0) != ids_BL.numel()) tokens.indices = std::move(indices);
  return tokens;
}

Tensor pack(const Tensor& x, const RealTokens& tokens) {
  const auto flat = x.flatten(0, 1);
  return tokens.indices.defined() ? flat.index_select(0, tokens.indices) : flat;
}

Tensor unpack(const Tensor& x, const RealTokens& tokens) {
  auto shape = x.sizes().vec();
  shape[0] = tokens.length;
  shape.insert(shape.begin(), tokens.batch);
  if (!tokens.indices.defined()) return x.reshape(shape);
  auto flat_shape = x.sizes().vec();
  flat_shape[0] = tokens.batch * tokens.length;
  return torch::zeros(flat_shape, x.options()).index_copy_(0, tokens.indices, x).view(shape);
}

Tensor packed_index(const Tensor& positions_B, const Tensor& mask_BL, const RealTokens& tokens) {
  const auto row_B = torch::arange(tokens.batch, positions_B.options());
  const auto flat_B = row_B * tokens.length + positions_B;
  if (!tokens.indices.defined()) return flat_B;
  return mask_BL.reshape({-1}).cumsum(0, torch::kInt64).index_select(0, flat_B) - 1;
}

}  // namespace mvn
