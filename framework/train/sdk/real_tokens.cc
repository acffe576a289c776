#include "mvn/real_tokens.h"

#include <utility>
#include <vector>

#include "mvn/attention.h"

namespace mvn {

using torch::Tensor;

namespace {

thread_local const KnownTokens* newest_known = nullptr;

// [B L, ...] -> [T, ...], or the way back.
Tensor gather(const Tensor& x, const RealTokens& tokens, bool packs) {
  if (packs) return x.index_select(0, tokens.indices);
  auto column = std::vector<std::int64_t>(static_cast<std::size_t>(x.dim()), 1);
  column[0] = tokens.padding.size(0);
  if (x.size(0) == 0) {
    auto shape = x.sizes().vec();
    shape[0] = column[0];
    return torch::zeros(shape, x.options());
  }
  return x.index_select(0, tokens.tokens_of).masked_fill_(tokens.padding.view(column), 0);
}

// Each is the gradient of the other. LibTorch would add the rows up, which on a GPU takes it a sort
// of the indices where the result is to be the same each time.
class Gathered : public torch::autograd::Function<Gathered> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* ctx, const Tensor& x,
                        const RealTokens& tokens, bool packs) {
    ctx->save_for_backward({tokens.indices, tokens.tokens_of, tokens.padding});
    ctx->saved_data["packs"] = packs;
    return gather(x, tokens, packs);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    RealTokens tokens;
    tokens.indices = saved[0];
    tokens.tokens_of = saved[1];
    tokens.padding = saved[2];
    return {gather(gradients[0], tokens, !ctx->saved_data["packs"].toBool()), {}, {}};
  }
};

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
                    .early_padding = has_early_padding(mask_BL),
                    .tokens_of = {},
                    .padding = {}};
  if (!mask_BL.defined()) {
    tokens.offsets = torch::arange(tokens.batch + 1, ids_BL.options()) * tokens.length;
    return tokens;
  }
  tokens.offsets = torch::constant_pad_nd(mask_BL.sum(1, false, torch::kInt64).cumsum(0), {1, 0});
  const auto flat = mask_BL.reshape({-1});
  auto indices = flat.nonzero().squeeze(1);
  if (indices.size(0) == ids_BL.numel()) return tokens;
  tokens.indices = std::move(indices);
  tokens.padding = flat.logical_not();
  tokens.tokens_of = (flat.cumsum(0, torch::kInt64) - 1).masked_fill_(tokens.padding, 0);
  return tokens;
}

Tensor pack(const Tensor& x, const RealTokens& tokens) {
  const auto flat = x.flatten(0, 1);
  if (!tokens.indices.defined()) return flat;
  return flat.requires_grad() ? Gathered::apply(flat, tokens, /*packs=*/true)
                              : gather(flat, tokens, /*packs=*/true);
}

Tensor unpack(const Tensor& x, const RealTokens& tokens) {
  auto shape = x.sizes().vec();
  shape[0] = tokens.length;
  shape.insert(shape.begin(), tokens.batch);
  if (!tokens.indices.defined()) return x.reshape(shape);
  return (x.requires_grad() ? Gathered::apply(x, tokens, /*packs=*/false)
                            : gather(x, tokens, /*packs=*/false))
      .view(shape);
}

Tensor packed_index(const Tensor& positions_B, const Tensor& mask_BL, const RealTokens& tokens) {
  const auto row_B = torch::arange(tokens.batch, positions_B.options());
  const auto flat_B = row_B * tokens.length + positions_B;
  if (!tokens.indices.defined()) return flat_B;
  return mask_BL.reshape({-1}).cumsum(0, torch::kInt64).index_select(0, flat_B) - 1;
}

}  // namespace mvn
