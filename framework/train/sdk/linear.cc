#include "mvn/linear.h"

#include <ATen/autocast_mode.h>

#include <optional>

#include "mvn/error.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

Tensor in_shape_of(const Tensor& x, const Tensor& y_TO) {
  auto shape = x.sizes().vec();
  shape.back() = y_TO.size(1);
  return y_TO.view(shape);
}

// A frozen layer: nothing is kept for the backward pass but the weight itself.
class FrozenProduct : public torch::autograd::Function<FrozenProduct> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x,
                        const c10::intrusive_ptr<FrozenWeight>& weight,
                        const std::optional<Tensor>& bias) {
    ctx->saved_data["weight"] = c10::IValue::make_capsule(weight);
    return in_shape_of(x, weight->forward(rows_of(x), bias.value_or(Tensor())));
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto capsule = ctx->saved_data["weight"].toCapsule();
    const auto weight = c10::static_intrusive_pointer_cast<FrozenWeight>(capsule);
    const auto& d = gradients[0];
    return {in_shape_of(d, weight->backward(rows_of(d))), {}, {}};
  }
};

}  // namespace

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
  const auto packed = x.scalar_type() == weight.scalar_type() ? frozen() : nullptr;
  if (!packed) return torch::linear(x, weight, bias);
  if (x.requires_grad() && torch::GradMode::is_enabled()) {
    return FrozenProduct::apply(x, packed, bias.defined() ? std::optional(bias) : std::nullopt);
  }
  return in_shape_of(x, packed->forward(rows_of(x), bias));
}

c10::intrusive_ptr<FrozenWeight> Linear::frozen() const {
  const auto type = weight.scalar_type();
  const bool trains = weight.requires_grad() || (bias.defined() && bias.requires_grad());
  if (trains || !weight.device().is_cpu() || at::autocast::is_autocast_enabled(at::kCPU) ||
      (type != torch::kFloat32 && type != torch::kBFloat16)) {
    return {};
  }
  if (!frozen_ || !frozen_->is_of(weight)) frozen_ = c10::make_intrusive<FrozenWeight>(weight);
  return frozen_;
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
