// The parts of a GPT-Neo layer. Shapes: B batch, L length, T real tokens, D width, H heads, K width
// of a head.
#pragma once

#include <memory>

#include "config.h"
#include "mvn/attention.h"
#include "mvn/linear.h"
#include "mvn/norm.h"
#include "mvn/real_tokens.h"
#include "mvn/torch.h"

namespace mvn::gptneo {

class SelfAttention : public torch::nn::Module {
 public:
  // `window` as of attend_packed().
  SelfAttention(const GptNeoConfig& config, std::int64_t window,
                const torch::TensorOptions& options);
  // Every packed token, or, where index_B is defined, that one of each row: [B, D].
  torch::Tensor forward(const torch::Tensor& x_TD, const RealTokens& tokens, const Visible& visible,
                        const torch::Tensor& index_B);
  void initialise(const GptNeoConfig& config, torch::Generator generator);

 private:
  std::int64_t heads_;
  std::int64_t window_;
  double dropout_;
  std::shared_ptr<Linear> k_proj_;
  std::shared_ptr<Linear> v_proj_;
  std::shared_ptr<Linear> q_proj_;
  std::shared_ptr<Linear> out_proj_;
};

class Layer : public torch::nn::Module {
 public:
  Layer(const GptNeoConfig& config, std::int64_t window, const torch::TensorOptions& options);
  // As SelfAttention::forward.
  torch::Tensor forward(const torch::Tensor& x_TD, const RealTokens& tokens, const Visible& visible,
                        const torch::Tensor& index_B = {});
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
