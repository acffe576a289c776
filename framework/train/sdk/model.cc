#include "mvn/model.h"

namespace mvn {

Model::~Model() = default;

std::vector<std::string> Model::checkpoint_names(std::string_view parameter) const {
  return {std::string(parameter)};
}

bool Model::ignores(std::string_view /*tensor*/) const { return false; }

bool Model::decays(std::string_view /*parameter*/, const torch::Tensor& value) const {
  return value.dim() > 1;
}

}  // namespace mvn
