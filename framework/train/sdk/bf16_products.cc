#include "train/sdk/bf16_products.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/baddbmm_cpu_dispatch.h>
#include <ATen/ops/bmm_cpu_dispatch.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <torch/library.h>

#include "mvn/cpu_isa.h"
#include "mvn/torch.h"

namespace mvn {
namespace {

using at::Scalar;
using torch::Tensor;

bool is_bf16(const Tensor& x) { return x.scalar_type() == torch::kBFloat16; }

Tensor wide(const Tensor& x) { return x.to(torch::kFloat32); }

// One product of two matrices, or of as many as a batch has: LibTorch's functions that compute it
// without asking for another implementation.
template <auto kMultiply, auto kMultiplyInto>
struct Product {
  static Tensor fresh(const Tensor& a, const Tensor& b) {
    if (!is_bf16(a) || !is_bf16(b)) return kMultiply(a, b);
    return kMultiply(wide(a), wide(b)).to(torch::kBFloat16);
  }

  static Tensor& into(const Tensor& a, const Tensor& b, Tensor& out) {
    if (!is_bf16(a) || !is_bf16(b) || !is_bf16(out)) return kMultiplyInto(out, a, b);
    const auto product = fresh(a, b);
    out.resize_(product.sizes());
    return out.copy_(product);
  }
};

// beta * c + alpha * the product.
template <auto kAdd, auto kAddInto>
struct ProductAdded {
  static Tensor fresh(const Tensor& c, const Tensor& a, const Tensor& b, const Scalar& beta,
                      const Scalar& alpha) {
    if (!is_bf16(c) || !is_bf16(a) || !is_bf16(b)) return kAdd(c, a, b, beta, alpha);
    return kAdd(wide(c), wide(a), wide(b), beta, alpha).to(torch::kBFloat16);
  }

  static Tensor& into(const Tensor& c, const Tensor& a, const Tensor& b, const Scalar& beta,
                      const Scalar& alpha, Tensor& out) {
    if (!is_bf16(c) || !is_bf16(a) || !is_bf16(b) || !is_bf16(out)) {
      return kAddInto(out, c, a, b, beta, alpha);
    }
    const auto sum = fresh(c, a, b, beta, alpha);
    out.resize_(sum.sizes());
    return out.copy_(sum);
  }

  static Tensor& in_place(Tensor& c, const Tensor& a, const Tensor& b, const Scalar& beta,
                          const Scalar& alpha) {
    return into(c, a, b, beta, alpha, c);
  }
};

using Mm = Product<at::cpu::mm, at::cpu::mm_out>;
using Bmm = Product<at::cpu::bmm, at::cpu::bmm_out>;
using Addmm = ProductAdded<at::cpu::addmm, at::cpu::addmm_out>;
using Baddbmm = ProductAdded<at::cpu::baddbmm, at::cpu::baddbmm_out>;

// LibTorch says of every process that one of its implementations was replaced.
class Silence : public c10::WarningHandler {
 public:
  void process(const c10::Warning& /*warning*/) override {}
};

torch::Library replaced_products() {
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  torch::Library library(torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
  library.impl("mm", TORCH_FN(Mm::fresh));
  library.impl("mm.out", TORCH_FN(Mm::into));
  library.impl("bmm", TORCH_FN(Bmm::fresh));
  library.impl("bmm.out", TORCH_FN(Bmm::into));
  library.impl("addmm", TORCH_FN(Addmm::fresh));
  library.impl("addmm.out", TORCH_FN(Addmm::into));
  library.impl("addmm_", TORCH_FN(Addmm::in_place));
  library.impl("baddbmm", TORCH_FN(Baddbmm::fresh));
  library.impl("baddbmm.out", TORCH_FN(Baddbmm::into));
  library.impl("baddbmm_", TORCH_FN(Baddbmm::in_place));
  return library;
}

bool ask_onednn() {
#if defined(__x86_64__)
  // LibTorch's own operator, which no header declares.
  return supports(CpuIsa::kAvx512Bf16) &&
         c10::Dispatcher::singleton()
             .findSchemaOrThrow("mkldnn::_is_mkldnn_bf16_supported", "")
             .typed<bool()>()
             .call();
#else
  return false;
#endif
}

}  // namespace

bool has_bf16_products() {
  static const bool answer = ask_onednn();
  return answer;
}

void widen_bf16_products() {
  if (has_bf16_products()) return;
  // Never taken back: products run until the process ends.
  static const auto* const library = new torch::Library(replaced_products());
  (void)library;
}

}  // namespace mvn
