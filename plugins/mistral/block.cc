// Source: transformers' modeling_mistral.py.
#include "block.h"

#include <cmath>

#include "mvn/model.h"

namespace mvn::mistral {

using torch::Tensor;

namespace {

std::shared_ptr<Linear> make_linear(std::int64_t in, std::int64_t out,
                                    const torch::TensorOptions& options) {
  return std::make_shared<Linear>(in, out, /*has_bias=*/false, options);
}

// The halves of a head's width turn into one another (not neighbouring pairs).
Tensor rotate(const Tensor& x_BHLK, const Rotation& rotation) {
  const auto halves = x_BHLK.chunk(2, -1);
  const auto turned = torch::cat({-halves[1], halves[0]}, -1);
  return x_BHLK * rotation.cos_LK.to(x_BHLK.scalar_type()) +
         turned * rotation.sin_LK.to(x_BHLK.scalar_type());
}

// The angles of one token of each row, [B, 1, 1, K].
Rotation at(const Rotation& rotation, const Tensor& positions_B) {
  const auto rows = [&](const Tensor& table_LK) {
    return table_LK.index_select(0, positions_B).unsqueeze(1).unsqueeze(1);
  };
  return {rows(rotation.cos_LK), rows(rotation.sin_LK)};
}

// The tokens whose output is asked for.
Tensor asked(const Tensor& x_BLD, const Tensor& positions_B) {
  return positions_B.defined() ? tokens_at(x_BLD, positions_B) : x_BLD;
}

// Every head of keys or values serves `times` consecutive heads of queries.
Tensor repeat_heads(const Tensor& x_BHLK, std::int64_t times) {
  return times == 1 ? x_BHLK : x_BHLK.repeat_interleave(times, 1);
}

}  // namespace

Rotation make_rotation(const MistralConfig& config, std::int64_t length,
                       const torch::TensorOptions& options) {
  const auto floats = options.dtype(torch::kFloat32).requires_grad(false);
  const auto exponents =
      torch::arange(0, config.head_width, 2, floats) / static_cast<double>(config.head_width);
  const auto frequencies = 1.0 / torch::pow(config.rope_theta, exponents);
  const auto angles = torch::outer(torch::arange(length, floats), frequencies);
  const auto both = torch::cat({angles, angles}, -1);
  return {torch::cos(both), torch::sin(both)};
}

SelfAttention::SelfAttention(const MistralConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("SelfAttention"),
      heads_(config.heads),
      kv_heads_(config.kv_heads),
      dropout_(config.attention_dropout) {
  const auto all = config.heads * config.head_width;
  const auto shared = config.kv_heads * config.head_width;
  q_proj_ = register_module("q_proj", make_linear(config.width, all, options));
  k_proj_ = register_module("k_proj", make_linear(config.width, shared, options));
  v_proj_ = register_module("v_proj", make_linear(config.width, shared, options));
  o_proj_ = register_module("o_proj", make_linear(all, config.width, options));
}

Tensor SelfAttention::forward(const Tensor& x_BLD, const Rotation& rotation, const Visible& visible,
                              const Tensor& positions_B) {
  const auto q_BHQK = rotate(split_heads(q_proj_->forward(asked(x_BLD, positions_B)), heads_),
                             positions_B.defined() ? at(rotation, positions_B) : rotation);
  const auto k_BHLK = rotate(split_heads(k_proj_->forward(x_BLD), kv_heads_), rotation);
  const auto v_BHLK = split_heads(v_proj_->forward(x_BLD), kv_heads_);
  const auto times = heads_ / kv_heads_;
  const auto y_BHQK =
      attend(q_BHQK, repeat_heads(k_BHLK, times), repeat_heads(v_BHLK, times), visible,
             1.0 / std::sqrt(static_cast<double>(q_BHQK.size(3))), is_training() ? dropout_ : 0.0);
  return o_proj_->forward(join_heads(y_BHQK));
}

Mlp::Mlp(const MistralConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("Mlp"),
      gate_proj_(register_module("gate_proj", make_linear(config.width, config.inner, options))),
      up_proj_(register_module("up_proj", make_linear(config.width, config.inner, options))),
      down_proj_(register_module("down_proj", make_linear(config.inner, config.width, options))) {}

Tensor Mlp::forward(const Tensor& x_BLD) {
  return down_proj_->forward(torch::silu(gate_proj_->forward(x_BLD)) * up_proj_->forward(x_BLD));
}

Layer::Layer(const MistralConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("Layer") {
  const auto make_norm = [&] {
    return std::make_shared<RmsNorm>(config.width, config.norm_epsilon, options);
  };
  input_layernorm_ = register_module("input_layernorm", make_norm());
  self_attn_ = register_module("self_attn", std::make_shared<SelfAttention>(config, options));
  post_attention_layernorm_ = register_module("post_attention_layernorm", make_norm());
  mlp_ = register_module("mlp", std::make_shared<Mlp>(config, options));
}

Tensor Layer::forward(const Tensor& x_BLD, const Rotation& rotation, const Visible& visible,
                      const Tensor& positions_B) {
  const auto y_BQD =
      asked(x_BLD, positions_B) +
      self_attn_->forward(input_layernorm_->forward(x_BLD), rotation, visible, positions_B);
  return y_BQD + mlp_->forward(post_attention_layernorm_->forward(y_BQD));
}

}  // namespace mvn::mistral
