#include "mvn/initialise.h"

#include <cmath>

namespace mvn {
namespace {

// Lets `draw` fill a float32 tensor on the CPU, whatever the parameter is: the values are the same
// for every type and device.
template <typename Draw>
void fill_drawn(const torch::Tensor& parameter, const Draw& draw) {
  const torch::NoGradGuard no_grad;
  const bool in_place =
      parameter.scalar_type() == torch::kFloat32 && parameter.is_cpu() && parameter.is_contiguous();
  if (in_place) {
    draw(parameter);
  } else {
    fill_values(parameter, draw(torch::empty(parameter.sizes(), torch::kFloat32)));
  }
}

}  // namespace

void fill_normal(const torch::Tensor& parameter, double deviation, torch::Generator generator) {
  fill_drawn(parameter, [&](const torch::Tensor& values) {
    return values.normal_(0.0, deviation, generator);
  });
}

void fill_uniform(const torch::Tensor& parameter, double bound, torch::Generator generator) {
  fill_drawn(parameter, [&](const torch::Tensor& values) {
    return values.uniform_(-bound, bound, generator);
  });
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
