#include "train/sdk/deterministic.h"

#include <vector>

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// While it lives, what has no deterministic kernel is an error and not a warning.
class Strictly {
 public:
  Strictly() { at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false); }
  Strictly(const Strictly&) = delete;
  Strictly& operator=(const Strictly&) = delete;
  ~Strictly() { at::globalContext().setDeterministicAlgorithms(true, warned_only_); }

 private:
  bool warned_only_ = at::globalContext().deterministicAlgorithmsWarnOnly();
};

// A graph of the function's own, which the backward pass walks by itself.
struct Inner : torch::CustomClassHolder {
  variable_list inputs;
  Tensor output;
};

class DeterministicGradient : public torch::autograd::Function<DeterministicGradient> {
 public:
  static Tensor forward(AutogradContext* ctx, const AttentionFunction& function, const Tensor& q,
                        const Tensor& k, const Tensor& v) {
    auto inner = c10::make_intrusive<Inner>();
    const torch::AutoGradMode with_graph(true);
    for (const auto* each : {&q, &k, &v}) {
      inner->inputs.push_back(each->detach().requires_grad_(each->requires_grad()));
    }
    inner->output = function(inner->inputs[0], inner->inputs[1], inner->inputs[2]);
    auto output = inner->output.detach();
    ctx->saved_data["inner"] = c10::IValue::make_capsule(std::move(inner));
    return output;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto inner =
        c10::static_intrusive_pointer_cast<Inner>(ctx->saved_data.at("inner").toCapsule());
    ctx->saved_data.clear();
    variable_list wanted;
    for (const auto& each : inner->inputs) {
      if (each.requires_grad()) wanted.push_back(each);
    }
    const Strictly strictly;
    auto found = torch::autograd::grad({inner->output}, wanted, {gradients[0]});
    variable_list all = {Tensor()};  // of the function itself
    auto next = found.begin();
    for (const auto& each : inner->inputs) {
      all.push_back(each.requires_grad() ? *next++ : Tensor());
    }
    return all;
  }
};

}  // namespace

Tensor with_deterministic_gradient(const AttentionFunction& function, const Tensor& q,
                                   const Tensor& k, const Tensor& v) {
  const bool has_gradient = torch::GradMode::is_enabled() &&
                            (q.requires_grad() || k.requires_grad() || v.requires_grad());
  if (!has_gradient || !at::globalContext().deterministicAlgorithms()) return function(q, k, v);
  return DeterministicGradient::apply(function, q, k, v);
}

}  // namespace mvn
