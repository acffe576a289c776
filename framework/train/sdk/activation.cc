#include "mvn/activation.h"

#include "mvn/parallel.h"
#include "train/sdk/cpu/typed.h"

namespace mvn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Elements worth a thread; a whole number of vectors.
constexpr std::int64_t kGrain = 16384;

class GeluTanh : public torch::autograd::Function<GeluTanh> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& given) {
    const auto x = given.contiguous();
    ctx->save_for_backward({x});
    auto y = torch::empty_like(x);
    with_cpu_kernels(x, [&]<typename Real>(Real, const TypedKernels<Real>& kernels) {
      const auto* from = in<Real>(x);
      auto* to = out<Real>(y);
      parallel_for(x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels.gelu(from + begin, to + begin, end - begin);
      });
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto x = ctx->get_saved_variables()[0];
    const auto dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    with_cpu_kernels(x, [&]<typename Real>(Real, const TypedKernels<Real>& kernels) {
      const auto* from = in<Real>(x);
      const auto* gradient = in<Real>(dy);
      auto* to = out<Real>(dx);
      parallel_for(x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels.gelu_backward(from + begin, gradient + begin, to + begin, end - begin);
      });
    });
    return {dx};
  }
};

}  // namespace

Tensor gelu_tanh(const Tensor& x) {
  return has_cpu_kernels(x) ? GeluTanh::apply(x) : at::gelu(x, "tanh");
}

}  // namespace mvn
