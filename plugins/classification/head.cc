#include "head.h"

#include "mvn/initialise.h"

namespace mvn {

ClassificationHead::ClassificationHead(std::int64_t width, std::int64_t classes,
                                       const torch::TensorOptions& options,
                                       torch::Generator generator)
    : score_(register_module("score", std::make_shared<Linear>(width, classes, false, options))) {
  if (score_->weight.is_meta()) return;
  fill_normal(score_->weight, 0.02, std::move(generator));
}

torch::Tensor ClassificationHead::forward(const torch::Tensor& pooled_BD) {
  return score_->forward(pooled_BD.to(score_->weight.scalar_type()));
}

torch::Tensor last_token(const torch::Tensor& mask_BL) {
  const auto position_L = torch::arange(mask_BL.size(1), mask_BL.options().dtype(torch::kLong));
  return (mask_BL * position_L).argmax(1);
}

}  // namespace mvn
