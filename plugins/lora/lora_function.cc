#include "lora_function.h"

#include <ATen/autocast_mode.h>

#include "cuda/dropout.h"
#include "dropout.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

// y += inner b^T, inner and b float32 [., r]. In bfloat16 each is cut into a leading and a trailing
// half, whose products but the smallest are one product over 3 r: nothing is rounded but the sum.
void add_product(Tensor& y_TO, const Tensor& inner_TR, const Tensor& b) {
  const auto type = y_TO.scalar_type();
  if (type == torch::kFloat32) {
    y_TO.addmm_(inner_TR, b.t());
    return;
  }
  const auto inner = inner_TR.to(type);
  const auto inner_rest = (inner_TR - inner).to(type);
  const auto leading = b.to(type);
  const auto rest = (b - leading).to(type);
  y_TO.addmm_(torch::cat({inner, inner_rest, inner}, 1),
              torch::cat({leading, leading, rest}, 1).t());
}

class LoraFunction : public torch::autograd::Function<LoraFunction> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, const Tensor& a, const Tensor& b, double scaling,
                        double p) {
    const Dropout dropout = draw_dropout(p);
    const auto type = weight.scalar_type();
    const auto x_TI = rows_of(x.to(type));
    const auto inner_TR = drop(x_TI, dropout).mm(a.t());
    auto y_TO = bias.numel() == 0 ? x_TI.mm(weight.t()) : at::addmm(bias, x_TI, weight.t());
    add_product(y_TO, inner_TR, b * scaling);
    ctx->save_for_backward({x_TI, weight, a, b, inner_TR.to(type), dropout.step});
    ctx->saved_data["scaling"] = scaling;
    ctx->saved_data["p"] = p;
    ctx->saved_data["seed"] = static_cast<std::int64_t>(dropout.seed);
    ctx->saved_data["type"] = x.scalar_type();
    ctx->saved_data["shape"] = x.sizes().vec();
    auto shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return y_TO.view(shape);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& [x_TI, weight, a, b, inner_TR] =
        std::tie(saved[0], saved[1], saved[2], saved[3], saved[4]);
    const double scaling = ctx->saved_data["scaling"].toDouble();
    const Dropout dropout{ctx->saved_data["p"].toDouble(),
                          static_cast<std::uint64_t>(ctx->saved_data["seed"].toInt()),
                          /*step=*/saved[5]};
    const auto type = weight.scalar_type();
    const auto d_TO = rows_of(gradients[0].to(type));
    const auto d_inner_TR = d_TO.mm((b * scaling).to(type));
    Tensor d_x;
    if (ctx->needs_input_grad(0)) {
      d_x = d_inner_TR.mm(a.to(type));
      drop_(d_x, dropout);
      d_x.addmm_(d_TO, weight);
      d_x = d_x.view(ctx->saved_data["shape"].toIntVector())
                .to(ctx->saved_data["type"].toScalarType());
    }
    const auto d_a = d_inner_TR.to(torch::kFloat32).t().mm(drop(x_TI, dropout));
    const auto d_b = d_TO.t().mm(inner_TR).to(b.scalar_type()).mul_(scaling);
    return {d_x, {}, {}, d_a, d_b, {}, {}};
  }
};

}  // namespace

bool can_fuse_lora(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& a) {
  const auto type = weight.scalar_type();
  return (x.is_cpu() || (x.is_cuda() && gpu::has_dropout(x.device().index()))) &&
         (type == torch::kFloat32 || type == torch::kBFloat16) &&
         a.scalar_type() == torch::kFloat32 && x.scalar_type() != torch::kDouble && x.numel() > 0 &&
         !weight.requires_grad() && !(bias.defined() && bias.requires_grad()) &&
         !at::autocast::is_autocast_enabled(x.device().type());
}

Tensor lora_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& a,
                   const Tensor& b, double scaling, double dropout) {
  // An autograd function takes no undefined tensors.
  const auto bias_or_empty = bias.defined() ? bias : torch::empty({0}, weight.options());
  return LoraFunction::apply(x, weight, bias_or_empty, a, b, scaling, dropout);
}

}  // namespace mvn
