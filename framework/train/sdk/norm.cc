#include "mvn/norm.h"

#include <tuple>

#include "mvn/parallel.h"
#include "train/sdk/cpu/typed.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool has_norm_kernels(const Tensor& x, const Tensor& weight) {
  // bfloat16 is not widened: LibTorch's own arithmetic says what that means.
  return has_cpu_kernels(x) && has_cpu_kernels(weight) &&
         (x.scalar_type() == torch::kFloat32 || weight.scalar_type() == torch::kBFloat16);
}

// Calls `run` with values of the elements' types of x and the weight, and their kernels.
template <typename Run>
void with_norm_kernels(const Tensor& x, const Tensor& weight, const Run& run) {
  const CpuKernels& kernels = cpu_kernels();
  if (weight.scalar_type() == torch::kFloat32) {
    run(float{}, float{}, kernels.norm_floats);
  } else if (x.scalar_type() == torch::kFloat32) {
    run(float{}, Half{}, kernels.norm_floats_to_halves);
  } else {
    run(Half{}, Half{}, kernels.norm_halves);
  }
}

// Calls `run` with the shape of some rows and the first row's number and offset.
template <typename Run>
void for_rows(const Tensor& x, double epsilon, const Run& run) {
  const std::int64_t width = x.size(-1);
  constexpr std::int64_t kOperations = 8;  // of an element
  parallel_for(
      x.numel() / width, grain_of(kOperations * width), [&](std::int64_t begin, std::int64_t end) {
        run(NormShape{end - begin, width, static_cast<float>(epsilon)}, begin, begin * width);
      });
}

class RmsNormOnCpu : public torch::autograd::Function<RmsNormOnCpu> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& given, const Tensor& weight,
                        double epsilon) {
    const auto x = given.contiguous();
    const auto w = weight.contiguous();
    auto y = torch::empty(x.sizes(), w.options());
    const auto scales = torch::empty({x.numel() / x.size(-1)}, torch::kFloat32);
    with_norm_kernels(x, w, [&]<typename In, typename Out>(In, Out, const auto& kernels) {
      for_rows(x, epsilon, [&](const NormShape& shape, std::int64_t row, std::int64_t at) {
        kernels.forward(shape, in<In>(x) + at, in<Out>(w), out<Out>(y) + at,
                        scales.mutable_data_ptr<float>() + row);
      });
    });
    ctx->save_for_backward({x, w, scales});
    ctx->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& [x, w, scales] = std::tie(saved[0], saved[1], saved[2]);
    const auto dy = gradients[0].to(w.scalar_type()).contiguous();
    const auto dx = torch::empty_like(x);
    with_norm_kernels(x, w, [&]<typename In, typename Out>(In, Out, const auto& kernels) {
      for_rows(x, ctx->saved_data["epsilon"].toDouble(),
               [&](const NormShape& shape, std::int64_t row, std::int64_t at) {
                 kernels.backward(shape, in<In>(x) + at, in<Out>(w), in<Out>(dy) + at,
                                  scales.const_data_ptr<float>() + row, out<In>(dx) + at);
               });
    });
    Tensor dw;
    if (ctx->needs_input_grad(1)) {
      const auto rows = x.reshape({-1, x.size(-1)}).to(torch::kFloat32);
      dw = (rows * scales.unsqueeze(1) * dy.reshape_as(rows)).sum(0).to(w.scalar_type());
    }
    return {dx, dw, {}};
  }
};

}  // namespace

RmsNorm::~RmsNorm() = default;
LayerNorm::~LayerNorm() = default;

RmsNorm::RmsNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options)
    : torch::nn::Module("RmsNorm"),
      weight(register_parameter("weight", torch::empty({width}, options))),
      epsilon_(epsilon) {}

torch::Tensor RmsNorm::forward(const torch::Tensor& x) {
  if (x.numel() > 0 && has_norm_kernels(x, weight)) {
    return RmsNormOnCpu::apply(x, weight, epsilon_);
  }
  const auto wide = x.scalar_type() == torch::kDouble ? x : x.to(torch::kFloat32);
  // There it is one kernel, and two for its gradient.
  if (x.is_cuda()) {
    return at::rms_norm(wide, weight.sizes(), {}, epsilon_).to(weight.scalar_type()) * weight;
  }
  const auto scale = torch::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + epsilon_);
  return (wide * scale).to(weight.scalar_type()) * weight;
}

LayerNorm::LayerNorm(std::int64_t width, double epsilon, const torch::TensorOptions& options)
    : torch::nn::Module("LayerNorm"),
      weight(register_parameter("weight", torch::empty({width}, options))),
      bias(register_parameter("bias", torch::empty({width}, options))),
      epsilon_(epsilon) {}

torch::Tensor LayerNorm::forward(const torch::Tensor& x) {
  return torch::layer_norm(x, weight.sizes(), weight, bias, epsilon_);
}

}  // namespace mvn
