// Source: transformers' modeling_gpt_neo.py. Initialisation: models/gpt2/gpt2.py of
// EleutherAI/gpt-neo with mesh_tensorflow/transformer/attention.py.
#include "block.h"

#include <cmath>

#include "mvn/activation.h"
#include "mvn/initialise.h"

namespace mvn::gptneo {

using torch::Tensor;

namespace {

// The tokens whose output is asked for.
Tensor asked(const Tensor& x_TD, const Tensor& index_B) {
  return index_B.defined() ? x_TD.index_select(0, index_B) : x_TD;
}

}  // namespace

SelfAttention::SelfAttention(const GptNeoConfig& config, std::int64_t window,
                             const torch::TensorOptions& options)
    : torch::nn::Module("SelfAttention"),
      heads_(config.heads),
      window_(window),
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

Tensor SelfAttention::forward(const Tensor& x_TD, const RealTokens& tokens, const Visible& visible,
                              const Tensor& index_B) {
  const auto q_TD = q_proj_->forward(asked(x_TD, index_B));
  const auto k_TD = k_proj_->forward(x_TD);
  const auto v_TD = v_proj_->forward(x_TD);
  const double dropout = is_training() ? dropout_ : 0.0;
  // GPT-Neo does not divide the scores by the square root of the head's width.
  constexpr double kScale = 1.0;
  if (can_attend_packed(q_TD, tokens, heads_, dropout)) {
    return out_proj_->forward(
        attend_packed(q_TD, k_TD, v_TD, tokens, index_B, heads_, window_, kScale));
  }
  const bool one_a_row = index_B.defined();
  const auto heads = [&](const Tensor& packed_TD) {
    return split_heads(unpack(packed_TD, tokens), heads_);
  };
  const auto q_BHQK = one_a_row ? split_heads(q_TD.unsqueeze(1), heads_) : heads(q_TD);
  const auto y_BQD = join_heads(attend(q_BHQK, heads(k_TD), heads(v_TD), visible, kScale, dropout));
  return out_proj_->forward(one_a_row ? y_BQD.squeeze(1) : pack(y_BQD, tokens));
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

Layer::Layer(const GptNeoConfig& config, std::int64_t window, const torch::TensorOptions& options)
    : torch::nn::Module("Layer"), activation_(config.activation), dropout_(config.resid_dropout) {
  const auto make_norm = [&] {
    return std::make_shared<LayerNorm>(config.width, config.norm_epsilon, options);
  };
  const auto make_linear = [&](std::int64_t in, std::int64_t out) {
    return std::make_shared<Linear>(in, out, /*has_bias=*/true, options);
  };
  ln_1_ = register_module("ln_1", make_norm());
  attention_ =
      nest(*this, "attn", "attention", std::make_shared<SelfAttention>(config, window, options));
  ln_2_ = register_module("ln_2", make_norm());
  c_fc_ = nest(*this, "mlp", "c_fc", make_linear(config.width, config.inner));
  c_proj_ = nest(*this, "mlp", "c_proj", make_linear(config.inner, config.width));
}

Tensor Layer::activate(const Tensor& x) const {
  if (activation_ == "gelu_new" || activation_ == "gelu_pytorch_tanh") return gelu_tanh(x);
  if (activation_ == "gelu") return at::gelu(x);
  if (activation_ == "relu") return torch::relu(x);
  return torch::silu(x);
}

Tensor Layer::forward(const Tensor& x_TD, const RealTokens& tokens, const Visible& visible,
                      const Tensor& index_B) {
  const auto attended = attention_->forward(ln_1_->forward(x_TD), tokens, visible, index_B);
  const auto y_TD = asked(x_TD, index_B) + torch::dropout(attended, dropout_, is_training());
  const auto mlp = c_proj_->forward(activate(c_fc_->forward(ln_2_->forward(y_TD))));
  return y_TD + torch::dropout(mlp, dropout_, is_training());
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
