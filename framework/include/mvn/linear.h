// Linear and Embedding layers with a slot for an adapter: adapters attach, nothing is replaced.
#pragma once

#include <cstdint>
#include <memory>

#include "mvn/frozen_weight.h"
#include "mvn/torch.h"

namespace mvn {

class Linear;
class Embedding;

// What an adapter puts into the slot of a Linear.
class LinearAdapter : public torch::nn::Module {
 public:
  ~LinearAdapter() override;
  // x [..., in] -> [..., out]: the layer's output with the adapter applied. `base` gives the
  // frozen weights; call base.base_forward(x) for the unadapted output.
  virtual torch::Tensor forward(const Linear& base, const torch::Tensor& x) = 0;
};

// y = x W^T + b, with weight [out, in] and bias [out] (undefined when has_bias is false), named
// `weight` and `bias`. Parameters are allocated with `options` and NOT initialised: the model's
// initialise() or a checkpoint fills them.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool has_bias, const torch::TensorOptions& options);
  ~Linear() override;

  torch::Tensor forward(const torch::Tensor& x);
  [[nodiscard]] torch::Tensor base_forward(const torch::Tensor& x) const;

  // The weight for repeated products on a CPU, null where the layer trains, is on another device or
  // under autocast, or is neither float32 nor bfloat16.
  [[nodiscard]] c10::intrusive_ptr<FrozenWeight> frozen() const;

  // Registers `adapter` as the child module "adapter". Throws Error when the slot is taken.
  void attach(std::shared_ptr<LinearAdapter> adapter);
  // Empties the slot again.
  void detach_adapter();
  [[nodiscard]] const std::shared_ptr<LinearAdapter>& adapter() const { return adapter_; }

  [[nodiscard]] std::int64_t in_features() const { return weight.size(1); }
  [[nodiscard]] std::int64_t out_features() const { return weight.size(0); }

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  std::shared_ptr<LinearAdapter> adapter_;
  mutable c10::intrusive_ptr<FrozenWeight> frozen_;  // made when first asked for
};

// What an adapter puts into the slot of an Embedding.
class EmbeddingAdapter : public torch::nn::Module {
 public:
  ~EmbeddingAdapter() override;
  // ids [...] int64 -> [..., width]
  virtual torch::Tensor forward(const Embedding& base, const torch::Tensor& ids) = 0;
};

// Rows of weight [vocabulary, width]; not initialised, as Linear.
class Embedding : public torch::nn::Module {
 public:
  Embedding(std::int64_t vocabulary, std::int64_t width, const torch::TensorOptions& options);
  ~Embedding() override;

  torch::Tensor forward(const torch::Tensor& ids);
  [[nodiscard]] torch::Tensor base_forward(const torch::Tensor& ids) const;
  void attach(std::shared_ptr<EmbeddingAdapter> adapter);
  void detach_adapter();
  [[nodiscard]] const std::shared_ptr<EmbeddingAdapter>& adapter() const { return adapter_; }

  torch::Tensor weight;

 private:
  std::shared_ptr<EmbeddingAdapter> adapter_;
};

}  // namespace mvn
