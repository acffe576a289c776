#include "pooling.h"

#include <algorithm>
#include <limits>

#include "head.h"

namespace mvn {
namespace {

torch::Tensor first_token(const torch::Tensor& mask_BL) {
  return mask_BL.to(torch::kLong).argmax(1);
}

// weights_BL, 0 on padding.
torch::Tensor mean_by(const torch::Tensor& hidden_BLD, const torch::Tensor& weights_BL) {
  return torch::bmm(weights_BL.unsqueeze(1), hidden_BLD).squeeze(1) / weights_BL.sum(1, true);
}

}  // namespace

const std::vector<std::string>& pooling_names() {
  static const std::vector<std::string> names = {"last", "mean", "weighted_mean", "cls", "max"};
  return names;
}

Pooling pooling_from(const std::string& name) {
  const auto& names = pooling_names();
  return static_cast<Pooling>(std::ranges::find(names, name) - names.begin());
}

torch::Tensor pooled(Pooling pooling, const torch::Tensor& hidden_BLD,
                     const torch::Tensor& mask_BL) {
  const auto hidden = hidden_BLD.to(torch::kFloat32);
  switch (pooling) {
    case Pooling::kLast:
      return tokens_at(hidden, last_token(mask_BL)).squeeze(1);
    case Pooling::kCls:
      return tokens_at(hidden, first_token(mask_BL)).squeeze(1);
    case Pooling::kMax:
      return hidden
          .masked_fill(mask_BL.logical_not().unsqueeze(2), -std::numeric_limits<float>::infinity())
          .amax(1);
    case Pooling::kMean:
      return mean_by(hidden, mask_BL.to(torch::kFloat32));
    case Pooling::kWeightedMean:
      break;
  }
  return mean_by(hidden, (mask_BL.cumsum(1) * mask_BL).to(torch::kFloat32));
}

torch::Tensor unit(const torch::Tensor& x_ND) {
  return x_ND / x_ND.norm(2, 1, true).clamp_min(1e-12);
}

torch::Tensor embed(Model& model, Pooling pooling, const torch::Tensor& ids_BL,
                    const torch::Tensor& mask_BL) {
  if (pooling == Pooling::kLast || pooling == Pooling::kCls) {
    const auto position = pooling == Pooling::kLast ? last_token(mask_BL) : first_token(mask_BL);
    return model.forward_at(ids_BL, mask_BL, position).to(torch::kFloat32);
  }
  return pooled(pooling, model.forward(ids_BL, mask_BL), mask_BL);
}

}  // namespace mvn
