#include "lora_cpu.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "dropout.h"
#include "mvn/parallel.h"
#include "thin_products.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows worth a thread, whole blocks of the kernels' for any of them, where each takes so many sums
// and products.
std::int64_t rows_of_a_thread(std::int64_t operations) {
  constexpr std::int64_t kRows = 24;
  return (grain_of(operations) + kRows - 1) / kRows * kRows;
}

Tensor contiguous_rows(const Tensor& x) { return x.reshape({-1, x.size(-1)}).contiguous(); }

const std::uint32_t* words(const Tensor& mask) {
  return mask.defined() ? static_cast<const std::uint32_t*>(mask.const_data_ptr()) : nullptr;
}

// The elements as the kernels' type.
template <typename Real>
Real* data(const Tensor& x) {
  return static_cast<Real*>(x.data_ptr());
}

// factor * x, float32 with elements side by side in rows or in columns, filled up with zeros to
// [rows, columns]; x itself where that is it. LibTorch's operations on matrices this small take
// several times longer.
Tensor scaled(const Tensor& x, double factor, std::int64_t rows, std::int64_t columns) {
  if (factor == 1 && x.is_contiguous() && x.size(0) == rows && x.size(1) == columns) return x;
  auto result = torch::empty({rows, columns}, torch::kFloat32);
  if (x.size(0) != rows || x.size(1) != columns) result.zero_();
  const auto* from = x.const_data_ptr<float>();
  auto* to = result.mutable_data_ptr<float>();
  const auto scale = static_cast<float>(factor);
  const std::int64_t height = x.size(0);
  const std::int64_t width = x.size(1);
  if (x.stride(1) != 1) {
    TORCH_INTERNAL_ASSERT(x.stride(0) == 1);
    thin_kernels().scale_transposed(from, x.stride(1), width, height, scale, to, columns);
    return result;
  }
  for (std::int64_t i = 0; i < height; ++i, from += x.stride(0), to += columns) {
    for (std::int64_t j = 0; j < width; ++j) to[j] = scale * from[j];
  }
  return result;
}

// factor * [N, r] padded to [N, R].
Tensor thin(const Tensor& x_NR, double factor) {
  return scaled(x_NR, factor, x_NR.size(0), thin_padded(x_NR.size(1)));
}

// factor * [r, N] padded to [R, N padded].
Tensor wide(const Tensor& x_RN, double factor) {
  return scaled(x_RN, factor, thin_padded(x_RN.size(0)), thin_padded(x_RN.size(1)));
}

enum class Pass { kForward, kBackward };

// Calls `run` with a value and the kernels of the element type of `x`.
template <typename Run>
void with_type_of(const Tensor& x, Pass pass, const Run& run) {
  const ThinKernels& kernels = thin_kernels();
  if (x.scalar_type() == torch::kFloat32) {
    run(float{}, kernels.floats);
  } else {
    run(Half{}, pass == Pass::kForward ? kernels.halves : kernels.half_gradients);
  }
}

// (mask x) thin: [T, N] and [N, R] -> [T, R] float32.
Tensor reduce(Pass pass, const Tensor& x_TN, const Tensor& mask, const Tensor& thin_NR) {
  auto inner_TR = torch::empty({x_TN.size(0), thin_NR.size(1)}, torch::kFloat32);
  with_type_of(x_TN, pass, [&]<typename Real>(Real, const ThinProducts<Real>& kernels) {
    const auto grain = rows_of_a_thread(2 * x_TN.size(1) * thin_NR.size(1));
    parallel_for(x_TN.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
      kernels.reduce(data<Real>(x_TN), words(mask), data<float>(thin_NR), data<float>(inner_TR),
                     x_TN.size(1), thin_NR.size(1), begin, end);
    });
  });
  return inner_TR;
}

// y += mask (inner wide): [T, R] and [R, N padded] into [T, N].
void spread(Pass pass, const Tensor& inner_TR, const Tensor& mask, const Tensor& wide_RN,
            const Tensor& y_TN) {
  with_type_of(y_TN, pass, [&]<typename Real>(Real, const ThinProducts<Real>& kernels) {
    const auto grain = rows_of_a_thread(2 * y_TN.size(1) * inner_TR.size(1));
    parallel_for(y_TN.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
      kernels.spread(data<float>(inner_TR), words(mask), data<float>(wide_RN), data<Real>(y_TN),
                     y_TN.size(1), inner_TR.size(1), begin, end);
    });
  });
}

// inner^T (mask x): [T, R] and [T, N] -> [r, N] float32.
Tensor collect(const Tensor& inner_TR, const Tensor& x_TN, const Tensor& mask, std::int64_t r) {
  const auto features = x_TN.size(1);
  auto out_RN = torch::empty({inner_TR.size(1), thin_padded(features)}, torch::kFloat32);
  with_type_of(x_TN, Pass::kBackward, [&]<typename Real>(Real, const ThinProducts<Real>& kernels) {
    const auto blocks = (features + kThinColumns - 1) / kThinColumns;
    const auto grain = grain_of(2 * x_TN.size(0) * inner_TR.size(1) * kThinColumns);
    parallel_for(blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      kernels.collect(data<float>(inner_TR), data<Real>(x_TN), words(mask), data<float>(out_RN),
                      x_TN.size(0), features, inner_TR.size(1), begin * kThinColumns,
                      std::min(end * kThinColumns, features));
    });
  });
  return out_RN.narrow(0, 0, r).narrow(1, 0, features);
}

// The mask that drop() applies, as thin_products.h lays it out: int32 [tokens, words]; undefined
// where p is 0.
Tensor draw_mask(const Dropout& dropout, std::int64_t tokens, std::int64_t features) {
  if (dropout.p == 0) return {};
  const MaskRule rule{
      .low = static_cast<std::uint32_t>(dropout.seed),
      .high = static_cast<std::uint32_t>(dropout.seed >> 32),
      .threshold = static_cast<std::uint32_t>(std::lround(dropout.p * 4294967296.0))};
  auto mask = torch::empty({tokens, mask_words(features)}, torch::kInt32);
  auto* to = static_cast<std::uint32_t*>(mask.mutable_data_ptr());
  constexpr std::int64_t kOperationsOfADraw = 12;
  parallel_for(tokens, rows_of_a_thread(kOperationsOfADraw * features),
               [&](std::int64_t begin, std::int64_t end) {
                 thin_kernels().draw(rule, to, features, begin, end);
               });
  return mask;
}

class LoraOnCpu : public torch::autograd::Function<LoraOnCpu> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x,
                        const c10::intrusive_ptr<FrozenWeight>& weight,
                        const std::optional<Tensor>& bias, const Tensor& a, const Tensor& b,
                        double scaling, double p) {
    const auto x_TI = contiguous_rows(x.to(weight->weight().scalar_type()));
    const auto mask = draw_mask(draw_dropout(p), x_TI.size(0), x_TI.size(1));
    const auto inner_TR = reduce(Pass::kForward, x_TI, mask, thin(a.t(), 1 / (1 - p)));
    const auto y_TO = weight->forward(x_TI, bias.value_or(Tensor()));
    spread(Pass::kForward, inner_TR, {}, wide(b.t(), scaling), y_TO);
    ctx->save_for_backward({x_TI, mask, a, b, inner_TR});
    ctx->saved_data["weight"] = c10::IValue::make_capsule(weight);
    ctx->saved_data["scaling"] = scaling;
    ctx->saved_data["p"] = p;
    ctx->saved_data["type"] = x.scalar_type();
    ctx->saved_data["shape"] = x.sizes().vec();
    auto shape = x.sizes().vec();
    shape.back() = y_TO.size(1);
    return y_TO.view(shape);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& [x_TI, mask, a, b, inner_TR] =
        std::tie(saved[0], saved[1], saved[2], saved[3], saved[4]);
    const auto weight =
        c10::static_intrusive_pointer_cast<FrozenWeight>(ctx->saved_data["weight"].toCapsule());
    const double scaling = ctx->saved_data["scaling"].toDouble();
    const double kept = 1 / (1 - ctx->saved_data["p"].toDouble());
    const auto d_TO = contiguous_rows(gradients[0].to(x_TI.scalar_type()));
    const auto r = a.size(0);
    const auto d_inner_TR = reduce(Pass::kBackward, d_TO, {}, thin(b, 1)).mul_(scaling * kept);
    Tensor d_x;
    if (ctx->needs_input_grad(0)) {
      const auto d_TI = weight->backward(d_TO);
      spread(Pass::kBackward, d_inner_TR, mask, wide(a, 1), d_TI);
      d_x = d_TI.view(ctx->saved_data["shape"].toIntVector())
                .to(ctx->saved_data["type"].toScalarType());
    }
    const auto d_a = collect(d_inner_TR, x_TI, mask, r).contiguous();
    const auto d_b = scaled(collect(inner_TR, d_TO, {}, r).t(), scaling, b.size(0), r);
    return {d_x, {}, {}, d_a, d_b, {}, {}};
  }
};

}  // namespace

Tensor lora_linear_cpu(const Tensor& x, const c10::intrusive_ptr<FrozenWeight>& weight,
                       const Tensor& bias, const Tensor& a, const Tensor& b, double scaling,
                       double dropout) {
  return LoraOnCpu::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, a, b,
                          scaling, dropout);
}

}  // namespace mvn
