// Normalisation layers, their parameters named `weight` and `bias` and not initialised: a model's
// initialise() or a checkpoint fills them.
#pragma once

#include <cstdint>

#include "mvn/torch.h"

namespace mvn {

// x / sqrt(mean(x^2) + epsilon) in float32, rounded to the weight's type, times the weight.
class RmsNorm : public torch::nn::Module {
 public:
  RmsNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options);
  ~RmsNorm() override;
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;

 private:
  double epsilon_;
};

// torch.nn.LayerNorm.
class LayerNorm : public torch::nn::Module {
 public:
  LayerNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options);
  ~LayerNorm() override;
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  double epsilon_;
};

}  // namespace mvn
