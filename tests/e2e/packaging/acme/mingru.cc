// A plugin of somebody else's: the model `mingru`, a stack of minimal gated recurrent units.
// Source: Feng et al. 2024, "Were RNNs All We Needed?", section 3.1:
//
//   z_t = sigmoid(W_z x_t)     h~_t = W_h x_t     h_t = (1 - z_t) h_{t-1} + z_t h~_t
//
// Shape suffixes: B batch, L length, D width, V vocabulary.
#include "mvn/linear.h"
#include "mvn/model_config.h"
#include "mvn/plugin.h"

namespace {

using mvn::Value;

struct Sizes {
  std::int64_t vocabulary;
  std::int64_t width;
  std::int64_t depth;
};

Sizes read_config(const mvn::ModelContext& context) {
  mvn::ModelConfig config(context);
  config.check_model_type({"mingru"});
  const Sizes sizes = {.vocabulary = config.get_size({"vocab_size"}, 50257),
                       .width = config.get_size({"hidden_size"}, 256),
                       .depth = config.get_size({"num_hidden_layers"}, 4)};
  config.check_unknown_keys();
  return sizes;
}

class Layer : public torch::nn::Module {
 public:
  Layer(std::int64_t width, const torch::TensorOptions& options)
      : norm_(register_parameter("norm_weight", torch::empty({width}, options))),
        gate_(register_module("gate", std::make_shared<mvn::Linear>(width, width, true, options))),
        candidate_(register_module("candidate",
                                   std::make_shared<mvn::Linear>(width, width, true, options))) {}

  torch::Tensor forward(const torch::Tensor& x_BLD) {
    const auto u_BLD = torch::layer_norm(x_BLD, {x_BLD.size(2)}, norm_);
    const auto z_BLD = torch::sigmoid(gate_->forward(u_BLD));
    const auto candidate_BLD = candidate_->forward(u_BLD);
    auto h_BD = torch::zeros_like(candidate_BLD.select(1, 0));
    std::vector<torch::Tensor> states;
    for (std::int64_t t = 0; t < x_BLD.size(1); ++t) {
      h_BD = torch::lerp(h_BD, candidate_BLD.select(1, t), z_BLD.select(1, t));
      states.push_back(h_BD);
    }
    return x_BLD + torch::stack(states, 1);
  }

 private:
  torch::Tensor norm_;
  std::shared_ptr<mvn::Linear> gate_;
  std::shared_ptr<mvn::Linear> candidate_;
};

class MinGru : public mvn::Model {
 public:
  MinGru(const Sizes& sizes, const torch::TensorOptions& options)
      : sizes_(sizes),
        tokens_(register_module(
            "tokens", std::make_shared<mvn::Embedding>(sizes.vocabulary, sizes.width, options))) {
    for (std::int64_t i = 0; i < sizes.depth; ++i) {
      layers_.push_back(register_module("layer" + std::to_string(i),
                                        std::make_shared<Layer>(sizes.width, options)));
    }
  }

  torch::Tensor forward(const torch::Tensor& ids_BL, const torch::Tensor& /*mask_BL*/) override {
    auto x_BLD = tokens_->forward(ids_BL);
    for (const auto& layer : layers_) x_BLD = layer->forward(x_BLD);
    return torch::layer_norm(x_BLD, {sizes_.width});
  }
  torch::Tensor lm_logits(const torch::Tensor& hidden) override {
    return torch::matmul(hidden, tokens_->weight.t());
  }

  std::int64_t width() const override { return sizes_.width; }
  std::int64_t vocabulary() const override { return sizes_.vocabulary; }
  std::int64_t max_length() const override { return 0; }
  std::string base_prefix() const override { return ""; }

  void initialise(torch::Generator generator) override {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : named_parameters()) {
      auto& value = parameter.value();
      if (value.dim() > 1) {
        value.normal_(0, 0.02, generator);
      } else {
        value.fill_(parameter.key().ends_with("norm_weight") ? 1 : 0);
      }
    }
  }

  Value::Map config(mvn::HeadKind /*head*/) const override {
    return {{"model_type", "mingru"},
            {"architectures", Value::List{"MinGru"}},
            {"vocab_size", sizes_.vocabulary},
            {"hidden_size", sizes_.width},
            {"num_hidden_layers", sizes_.depth}};
  }
  double forward_macs(std::int64_t length) const override {
    const auto width = static_cast<double>(sizes_.width);
    return 2 * width * width * static_cast<double>(sizes_.depth * length);
  }

 private:
  Sizes sizes_;
  std::shared_ptr<mvn::Embedding> tokens_;
  std::vector<std::shared_ptr<Layer>> layers_;
};

void register_components(mvn::Registry& registry) {
  registry.add_model({
      .name = "mingru",
      .help = "stack of minimal gated recurrent units (Feng et al. 2024)",
      .model_types = {"mingru"},
      .params = {},
      .make =
          [](const mvn::ModelContext& context) {
            return std::make_shared<MinGru>(read_config(context), context.options);
          },
  });
}

}  // namespace

MVN_PLUGIN("acme", "1.2.3", register_components);
