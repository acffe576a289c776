#include "mvn/real_tokens.h"

#include "mvn/attention.h"

namespace mvn {

using torch::Tensor;

namespace {

// The lengths of rows without early padding.
std::vector<std::int64_t> lengths_of(const Tensor& ids_BL, const Tensor& mask_BL) {
  const auto rows = static_cast<std::size_t>(ids_BL.size(0));
  if (!mask_BL.defined()) return std::vector<std::int64_t>(rows, ids_BL.size(1));
  if (!mask_BL.is_cpu() || has_early_padding(mask_BL)) return {};
  const auto lengths_B = mask_BL.sum(1, /*keepdim=*/false, torch::kInt64).contiguous();
  const auto* first = lengths_B.const_data_ptr<std::int64_t>();
  return {first, first + lengths_B.numel()};
}

}  // namespace

RealTokens real_tokens(const Tensor& ids_BL, const Tensor& mask_BL) {
  RealTokens tokens{.indices = {},
                    .batch = ids_BL.size(0),
                    .length = ids_BL.size(1),
                    .lengths = lengths_of(ids_BL, mask_BL)};
  if (!mask_BL.defined()) return tokens;
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
