// A small model for tests of what goes on top of models: an embedding and layers of two linear
// maps, with a tied head. Position l sees the mean of the positions up to l.
#pragma once

#include <torch/nn/modules/normalization.h>

#include <memory>
#include <string>
#include <vector>

#include "mvn/linear.h"
#include "mvn/model.h"
#include "mvn/torch.h"

namespace mvn::test {

class TinyLayer : public torch::nn::Module {
 public:
  explicit TinyLayer(std::int64_t width, const torch::TensorOptions& options = {})
      : in_proj_(
            register_module("in_proj", std::make_shared<Linear>(width, 2 * width, true, options))),
        out_proj_(register_module("out_proj",
                                  std::make_shared<Linear>(2 * width, width, false, options))),
        norm_(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))) {
    if (options.has_dtype()) norm_->to(c10::typeMetaToScalarType(options.dtype()));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    return x + out_proj_->forward(torch::tanh(in_proj_->forward(norm_->forward(x))));
  }

 private:
  std::shared_ptr<Linear> in_proj_;
  std::shared_ptr<Linear> out_proj_;
  torch::nn::LayerNorm norm_;
};

class TinyModel : public Model {
 public:
  TinyModel(std::int64_t vocabulary, std::int64_t width, std::int64_t layers,
            const torch::TensorOptions& options = {}) {
    auto trunk = std::make_shared<torch::nn::Module>();
    embedding_ = trunk->register_module("embeddings",
                                        std::make_shared<Embedding>(vocabulary, width, options));
    auto list = std::make_shared<torch::nn::Module>();
    for (std::int64_t i = 0; i < layers; ++i) {
      layers_.push_back(
          list->register_module(std::to_string(i), std::make_shared<TinyLayer>(width, options)));
    }
    trunk->register_module("layers", list);
    register_module("backbone", trunk);
    const torch::NoGradGuard no_grad;
    if (embedding_->weight.is_meta()) return;
    auto generator = torch::make_generator<at::CPUGeneratorImpl>(7);
    initialise(generator);
  }

  torch::Tensor forward(const torch::Tensor& ids_BL, const torch::Tensor& mask_BL) override {
    auto x = embedding_->forward(ids_BL);
    const auto mask = mask_BL.unsqueeze(2).to(x.scalar_type());
    x = (x * mask).cumsum(1) / mask.cumsum(1).clamp_min(1);
    for (auto& layer : layers_) x = layer->forward(x);
    return x;
  }
  torch::Tensor lm_logits(const torch::Tensor& hidden) override {
    return torch::linear(hidden, embedding_->weight);
  }
  [[nodiscard]] std::int64_t width() const override { return embedding_->weight.size(1); }
  [[nodiscard]] std::int64_t vocabulary() const override { return embedding_->weight.size(0); }
  [[nodiscard]] std::int64_t max_length() const override { return 64; }
  void initialise(torch::Generator generator) override {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : parameters()) {
      parameter.copy_(torch::randn(parameter.sizes(), generator).mul_(0.3));
    }
  }
  [[nodiscard]] std::string base_prefix() const override { return "backbone."; }
  [[nodiscard]] Value::Map config(HeadKind /*head*/) const override {
    return {{"model_type", "tiny"}};
  }
  [[nodiscard]] double forward_macs(std::int64_t length) const override {
    return static_cast<double>(length);
  }

 private:
  std::shared_ptr<Embedding> embedding_;
  std::vector<std::shared_ptr<TinyLayer>> layers_;
};

}  // namespace mvn::test
