#include "mvn/model.h"

namespace mvn {

Model::~Model() = default;

torch::Tensor Model::forward_at(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL,
                                const torch::Tensor& positions_B) {
  return tokens_at(forward(ids_BL, mask_BL), positions_B).squeeze(1);
}

std::vector<std::string> Model::checkpoint_names(std::string_view parameter) const {
  return {std::string(parameter)};
}

bool Model::ignores(std::string_view /*tensor*/) const { return false; }

std::string Model::output_layer() const { return "lm_head"; }

std::vector<LayerCaveat> Model::caveats() const { return {}; }

bool Model::decays(std::string_view /*parameter*/, const torch::Tensor& value) const {
  return value.dim() > 1;
}

torch::Tensor tokens_at(const torch::Tensor& x_BLD, const torch::Tensor& positions_B) {
  const auto first_B = torch::arange(x_BLD.size(0), positions_B.options()) * x_BLD.size(1);
  return x_BLD.flatten(0, 1).index_select(0, first_B + positions_B).unsqueeze(1);
}

}  // namespace mvn
