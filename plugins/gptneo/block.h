// The parts of a GPT-Neo layer. Shapes: B batch, L length, D width, H heads, K width of a head.
#pragma once

#include <torch/torch.h>

#include <memory>

#include "config.h"
#include "mvn/attention.h"
#include "mvn/linear.h"
#include "mvn/norm.h"

namespace mvn::gptneo {

class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(const GptNeoConfig& config, const torch::TensorOptions& options);
  // Q queries of x are asked for, all of it or some: [B, Q, D].
  torch::Tensor forward(const torch::Tensor& queries_BQD, const torch::Tensor& x_BLD,
                        const Visible& visible);
  void initialise(const GptNeoConfig& config, torch::Generator generator);

 private:
  std::int64_t heads_;
  double dropout_;
  std::shared_ptr<Linear> k_proj_;
  std::shared_ptr<Linear> v_proj_;
  std::shared_ptr<Linear> q_proj_;
  std::shared_ptr<Linear> out_proj_;
};

class Layer : public torch::nn::Module {
 public:
  Layer(const GptNeoConfig& config, const torch::TensorOptions& options);
  // Every token, or, where positions_B is defined, the token of each row at that column: [B, 1, D].
  torch::Tensor forward(const torch::Tensor& x_BLD, const Visible& visible,
                        const torch::Tensor& positions_B = {});
  void initialise(const GptNeoConfig& config, torch::Generator generator);

 private:
  [[nodiscard]] torch::Tensor activate(const torch::Tensor& x) const;

  std::string activation_;
  double dropout_;
  std::shared_ptr<LayerNorm> ln_1_;
  std::shared_ptr<SelfAttention> attention_;
  std::shared_ptr<LayerNorm> ln_2_;
  std::shared_ptr<Linear> c_fc_;
  std::shared_ptr<Linear> c_proj_;
};

}  // namespace mvn::gptneo
