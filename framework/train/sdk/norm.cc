#include "mvn/norm.h"

namespace mvn {

RmsNorm::~RmsNorm() = default;
LayerNorm::~LayerNorm() = default;

RmsNorm::RmsNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options)
    : torch::nn::Module("RmsNorm"),
      weight(register_parameter("weight", torch::empty({width}, options))),
      epsilon_(epsilon) {}

torch::Tensor RmsNorm::forward(const torch::Tensor& x) {
  const auto wide = x.scalar_type() == torch::kDouble ? x : x.to(torch::kFloat32);
  // There it is one kernel, and two for its gradient.
  if (x.is_cuda()) {
    return at::rms_norm(wide, weight.sizes(), {}, epsilon_).to(weight.scalar_type()) * weight;
  }
  const auto scale = torch::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + epsilon_);
  return (wide * scale).to(weight.scalar_type()) * weight;
}

LayerNorm::LayerNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options)
    : torch::nn::Module("LayerNorm"),
      weight(register_parameter("weight", torch::empty({width}, options))),
      bias(register_parameter("bias", torch::empty({width}, options))),
      epsilon_(epsilon) {}

torch::Tensor LayerNorm::forward(const torch::Tensor& x) {
  return torch::layer_norm(x, weight.sizes(), weight, bias, epsilon_);
}

}  // namespace mvn
