#include "mvn/linear.h"

#include "mvn/error.h"

namespace mvn {

LinearAdapter::~LinearAdapter() = default;
EmbeddingAdapter::~EmbeddingAdapter() = default;
Linear::~Linear() = default;
Embedding::~Embedding() = default;

Linear::Linear(std::int64_t in, std::int64_t out, bool has_bias,
               const torch::TensorOptions& options)
    : torch::nn::Module("Linear"),
      weight(register_parameter("weight", torch::empty({out, in}, options))) {
  if (has_bias) bias = register_parameter("bias", torch::empty({out}, options));
}

torch::Tensor Linear::forward(const torch::Tensor& x) {
  return adapter_ ? adapter_->forward(*this, x) : base_forward(x);
}

torch::Tensor Linear::base_forward(const torch::Tensor& x) const {
  return torch::linear(x, weight, bias);
}

void Linear::attach(std::shared_ptr<LinearAdapter> adapter) {
  if (adapter_) throw Error("this linear layer already has an adapter");
  adapter_ = register_module("adapter", std::move(adapter));
}

void Linear::detach_adapter() {
  if (adapter_) unregister_module("adapter");
  adapter_.reset();
}

Embedding::Embedding(std::int64_t vocabulary, std::int64_t width,
                     const torch::TensorOptions& options)
    : torch::nn::Module("Embedding"),
      weight(register_parameter("weight", torch::empty({vocabulary, width}, options))) {}

torch::Tensor Embedding::forward(const torch::Tensor& ids) {
  return adapter_ ? adapter_->forward(*this, ids) : base_forward(ids);
}

torch::Tensor Embedding::base_forward(const torch::Tensor& ids) const {
  return torch::embedding(weight, ids);
}

void Embedding::attach(std::shared_ptr<EmbeddingAdapter> adapter) {
  if (adapter_) throw Error("this embedding already has an adapter");
  adapter_ = register_module("adapter", std::move(adapter));
}

void Embedding::detach_adapter() {
  if (adapter_) unregister_module("adapter");
  adapter_.reset();
}

}  // namespace mvn
