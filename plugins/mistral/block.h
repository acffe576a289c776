// The parts of a Mistral layer. Shapes: B batch, L length, D width, H heads, K width of a head.
#pragma once

#include <memory>

#include "config.h"
#include "mvn/attention.h"
#include "mvn/linear.h"
#include "mvn/norm.h"
#include "mvn/torch.h"

namespace mvn::mistral {

// The rotations of the positions 0 .. L-1.
struct Rotation {
  torch::Tensor cos_LK;
  torch::Tensor sin_LK;
};

Rotation make_rotation(const MistralConfig& config, std::int64_t length,
                       const torch::TensorOptions& options);

class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(const MistralConfig& config, const torch::TensorOptions& options);
  // Every token, or, where positions_B is defined, the token of each row at that column: [B, 1, D].
  torch::Tensor forward(const torch::Tensor& x_BLD, const Rotation& rotation,
                        const Visible& visible, const torch::Tensor& positions_B);

 private:
  std::int64_t heads_;
  std::int64_t kv_heads_;
  double dropout_;
  std::shared_ptr<Linear> q_proj_;
  std::shared_ptr<Linear> k_proj_;
  std::shared_ptr<Linear> v_proj_;
  std::shared_ptr<Linear> o_proj_;
};

// SwiGLU.
class Mlp : public torch::nn::Module {
 public:
  Mlp(const MistralConfig& config, const torch::TensorOptions& options);
  torch::Tensor forward(const torch::Tensor& x_BLD);

 private:
  std::shared_ptr<Linear> gate_proj_;
  std::shared_ptr<Linear> up_proj_;
  std::shared_ptr<Linear> down_proj_;
};

class Layer : public torch::nn::Module {
 public:
  Layer(const MistralConfig& config, const torch::TensorOptions& options);
  // As SelfAttention::forward.
  torch::Tensor forward(const torch::Tensor& x_BLD, const Rotation& rotation,
                        const Visible& visible, const torch::Tensor& positions_B = {});

 private:
  std::shared_ptr<RmsNorm> input_layernorm_;
  std::shared_ptr<SelfAttention> self_attn_;
  std::shared_ptr<RmsNorm> post_attention_layernorm_;
  std::shared_ptr<Mlp> mlp_;
};

}  // namespace mvn::mistral
