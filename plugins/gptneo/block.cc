// Source: transformers' modeling_gpt_neo.py. Initialisation: models/gpt2/gpt2.py of
// EleutherAI/gpt-neo with mesh_tensorflow/transformer/attention.py.
#include "block.h"

#include <cmath>

#include "mvn/initialise.h"
#include "mvn/model.h"

namespace mvn::gptneo {

using torch::Tensor;

SelfAttention::SelfAttention(const GptNeoConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("SelfAttention"),
      heads_(config.heads),
      dropout_(config.attention_dropout),
      k_proj_(register_module("k_proj", std::make_shared<Linear>(config.width, config.width,
                                                                 /*has_bias=*/false, options))),
      v_proj_(register_module("v_proj", std::make_shared<Linear>(config.width, config.width,
                                                                 /*has_bias=*/false, options))),
      q_proj_(register_module("q_proj", std::make_shared<Linear>(config.width, config.width,
                                                                 /*has_bias=*/false, options))),
      out_proj_(register_module("out_proj", std::make_shared<Linear>(config.width, config.width,
                                                                     /*has_bias=*/true, options))) {
}

Tensor SelfAttention::forward(const Tensor& queries_BQD, const Tensor& x_BLD,
                              const Visible& visible) {
  const auto q_BHQK = split_heads(q_proj_->forward(queries_BQD), heads_);
  const auto k_BHLK = split_heads(k_proj_->forward(x_BLD), heads_);
  const auto v_BHLK = split_heads(v_proj_->forward(x_BLD), heads_);
  // GPT-Neo does not divide the scores by the square root of the head's width.
  const auto y_BHQK =
      attend(q_BHQK, k_BHLK, v_BHLK, visible, /*scale=*/1.0, is_training() ? dropout_ : 0.0);
  return out_proj_->forward(join_heads(y_BHQK));
}

void SelfAttention::initialise(const GptNeoConfig& config, torch::Generator generator) {
  const auto width = static_cast<double>(config.width);
  const auto head_width = width / static_cast<double>(config.heads);
  // The query's start makes up for the scores' missing scale.
  fill_normal(q_proj_->weight, 1.0 / std::sqrt(width * head_width), generator);
  fill_normal(k_proj_->weight, 1.0 / std::sqrt(width), generator);
  fill_normal(v_proj_->weight, 1.0 / std::sqrt(width), generator);
  fill_normal(out_proj_->weight, 1.0 / std::sqrt(width), generator);
  fill_constant(out_proj_->bias, 0.0);
}

namespace {

// Containers of one child, so that the names are the reference's ("attn.attention", "mlp.c_fc").
template <typename Child>
std::shared_ptr<Child> nest(torch::nn::Module& parent, const std::string& holder,
                            const std::string& name, std::shared_ptr<Child> child) {
  const auto existing = parent.named_children().find(holder);
  auto module = existing != nullptr
                    ? *existing
                    : parent.register_module(holder, std::make_shared<torch::nn::Module>(holder));
  return module->register_module(name, std::move(child));
}

}  // namespace

Layer::Layer(const GptNeoConfig& config, const torch::TensorOptions& options)
    : torch::nn::Module("Layer"), activation_(config.activation), dropout_(config.resid_dropout) {
  const auto make_norm = [&] {
    return std::make_shared<LayerNorm>(config.width, config.norm_epsilon, options);
  };
  const auto make_linear = [&](std::int64_t in, std::int64_t out) {
    return std::make_shared<Linear>(in, out, /*has_bias=*/true, options);
  };
  ln_1_ = register_module("ln_1", make_norm());
  attention_ = nest(*this, "attn", "attention", std::make_shared<SelfAttention>(config, options));
  ln_2_ = register_module("ln_2", make_norm());
  c_fc_ = nest(*this, "mlp", "c_fc", make_linear(config.width, config.inner));
  c_proj_ = nest(*this, "mlp", "c_proj", make_linear(config.inner, config.width));
}

Tensor Layer::activate(const Tensor& x) const {
  if (activation_ == "gelu_new" || activation_ == "gelu_pytorch_tanh") return at::gelu(x, "tanh");
  if (activation_ == "gelu") return at::gelu(x);
  if (activation_ == "relu") return torch::relu(x);
  return torch::silu(x);
}

Tensor Layer::forward(const Tensor& x_BLD, const Visible& visible, const Tensor& positions_B) {
  const auto asked = [&](const Tensor& t_BLD) {
    return positions_B.defined() ? tokens_at(t_BLD, positions_B) : t_BLD;
  };
  const auto normed_BLD = ln_1_->forward(x_BLD);
  const auto attended = attention_->forward(asked(normed_BLD), normed_BLD, visible);
  const auto y_BQD = asked(x_BLD) + torch::dropout(attended, dropout_, is_training());
  const auto mlp = c_proj_->forward(activate(c_fc_->forward(ln_2_->forward(y_BQD))));
  return y_BQD + torch::dropout(mlp, dropout_, is_training());
}

void Layer::initialise(const GptNeoConfig& config, torch::Generator generator) {
  constexpr double kDeviation = 0.02;
  for (const auto& norm : {ln_1_, ln_2_}) {
    fill_constant(norm->weight, 1.0);
    fill_constant(norm->bias, 0.0);
  }
  attention_->initialise(config, generator);
  fill_normal(c_fc_->weight, kDeviation, generator);
  fill_constant(c_fc_->bias, 0.0);
  // "scale_by_depth" of every released configuration.
  const auto depth = static_cast<double>(config.layers.size());
  fill_normal(c_proj_->weight, kDeviation / std::sqrt(depth), generator);
  fill_constant(c_proj_->bias, 0.0);
}

}  // namespace mvn::gptneo
