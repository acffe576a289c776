#include "mvn/initialise.h"

#include <cmath>

namespace mvn {
namespace {

torch::Tensor scratch_for(const torch::Tensor& parameter) {
  return torch::empty(parameter.sizes(), torch::kFloat32);
}

}  // namespace

void fill_normal(const torch::Tensor& parameter, double deviation, torch::Generator generator) {
  fill_values(parameter, scratch_for(parameter).normal_(0.0, deviation, std::move(generator)));
}

void fill_uniform(const torch::Tensor& parameter, double bound, torch::Generator generator) {
  fill_values(parameter, scratch_for(parameter).uniform_(-bound, bound, std::move(generator)));
}

void fill_kaiming(const torch::Tensor& weight, torch::Generator generator) {
  const auto fan_in = static_cast<double>(weight.numel() / weight.size(0));
  fill_uniform(weight, 1.0 / std::sqrt(fan_in), std::move(generator));
}

void fill_values(const torch::Tensor& parameter, const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  parameter.copy_(values);
}

void fill_constant(const torch::Tensor& parameter, double value) {
  const torch::NoGradGuard no_grad;
  parameter.fill_(value);
}

}  // namespace mvn
