// The parts of a Mamba block. Shapes: B batch, L length, D width, I inner width, K kernel, N
// states, R rank of the time step.
#pragma once

#include <memory>

#include "config.h"
#include "mvn/linear.h"
#include "mvn/norm.h"
#include "mvn/torch.h"
#include "packing.h"

namespace mvn::mamba {

// The causal depthwise convolution over tokens: weight[:, 0, K-1] meets the current token.
class CausalConv : public torch::nn::Module {
 public:
  CausalConv(std::int64_t channels, std::int64_t kernel, bool has_bias,
             const torch::TensorOptions& options);
  // With its silu.
  torch::Tensor forward(const torch::Tensor& x_TI, const Packing& packing);

  torch::Tensor weight;  // [I, 1, K]
  torch::Tensor bias;    // [I]
};

class Mixer : public torch::nn::Module {
 public:
  Mixer(const MambaConfig& config, const torch::TensorOptions& options);
  // Every token, or, where it is defined, the packed tokens index_P alone: [P, D].
  torch::Tensor forward(const torch::Tensor& x_TD, const Packing& packing,
                        const torch::Tensor& index_P);
  void initialise(const MambaConfig& config, torch::Generator generator);

 private:
  [[nodiscard]] torch::Tensor scan(const torch::Tensor& x_TI, const torch::Tensor& gate_TI,
                                   const Packing& packing);

  std::int64_t rank_;
  std::int64_t states_;
  std::shared_ptr<Linear> in_proj_;
  std::shared_ptr<CausalConv> conv1d_;
  std::shared_ptr<Linear> x_proj_;
  std::shared_ptr<Linear> dt_proj_;
  std::shared_ptr<Linear> out_proj_;
  torch::Tensor a_log_;
  torch::Tensor d_;
};

class Block : public torch::nn::Module {
 public:
  Block(const MambaConfig& config, const torch::TensorOptions& options);
  // The residual stream through one block; index_P as Mixer::forward has it.
  torch::Tensor forward(const torch::Tensor& residual_TD, const Packing& packing,
                        const torch::Tensor& index_P = {});
  void initialise(const MambaConfig& config, torch::Generator generator);

 private:
  std::shared_ptr<RmsNorm> norm_;
  std::shared_ptr<Mixer> mixer_;
};

}  // namespace mvn::mamba
