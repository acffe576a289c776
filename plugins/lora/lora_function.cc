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

// Of a float32 x [N, r]: its bfloat16 twice, and as part `rest` what that leaves out, side by side
// in [N, 3 r]. The first part is x rounded. In float32 it is x itself.
Tensor in_parts(const Tensor& x_NR, torch::ScalarType type, std::int64_t rest) {
  if (type == torch::kFloat32) return x_NR;
  const auto parts = torch::empty({x_NR.size(0), 3, x_NR.size(1)}, x_NR.options().dtype(type));
  const auto rounded = rest == 1 ? parts.slice(1, 0, 3, 2) : parts.narrow(1, 0, 2);
  rounded.copy_(x_NR.unsqueeze(1));
  auto left_out = parts.select(1, rest);
  at::sub_out(left_out, x_NR, parts.select(1, 0));
  return parts.flatten(1);
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
    // In bfloat16 the products of the parts but the smallest are one product over 3 r: nothing is
    // rounded but the sum.
    const auto parts = in_parts(inner_TR, type, /*rest=*/1);
    y_TO.addmm_(parts, in_parts(b, type, /*rest=*/2).t(), /*beta=*/1, /*alpha=*/scaling);
    ctx->save_for_backward({x_TI, weight, a, b, parts.narrow(1, 0, a.size(0)), dropout.step});
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
      drop_in_place(d_x, dropout);
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
