#include "mvn/frozen_weight.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <atomic>
#include <optional>
#include <string_view>
#include <utility>

#include "mvn/cpu_isa.h"

namespace mvn {
namespace {

using torch::Tensor;

std::atomic<std::int64_t> all_packed_bytes = 0;

// oneDNN's operators are LibTorch's own, but no header declares them.
Tensor reorder(const Tensor& weight) {
  // The rows of a batch that the layout should suit; the layouts of all but the smallest agree.
  constexpr std::int64_t kRows = 256;
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                    .typed<Tensor(const Tensor&, std::optional<c10::SymInt>)>();
  return operation.call(weight, kRows);
}

Tensor multiply(const Tensor& x, const Tensor& packed, const Tensor& bias) {
  static const auto operation =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                        std::string_view, c10::List<std::optional<at::Scalar>>,
                        std::optional<std::string_view>)>();
  return operation.call(x, packed, bias.defined() ? std::optional(bias) : std::nullopt, "none",
                        c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

// oneDNN's own limit (ONEDNN_MAX_CPU_ISA) counts as well.
bool multiplies_bfloat16() {
  static const bool answer = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_is_mkldnn_bf16_supported", "")
                                 .typed<bool()>()
                                 .call();
  return answer;
}

// oneDNN multiplies float32 on every x86 and bfloat16 from AVX-512 on.
bool has_product([[maybe_unused]] torch::ScalarType type) {
#if defined(__x86_64__)
  return type == torch::kFloat32 ||
         (type == torch::kBFloat16 && supports(CpuIsa::kAvx512) && multiplies_bfloat16());
#else
  return false;
#endif
}

bool can_pack(const Tensor& weight) {
  return at::globalContext().hasMKLDNN() && at::globalContext().userEnabledMkldnn() &&
         has_product(weight.scalar_type()) && weight.numel() > 0;
}

}  // namespace

FrozenWeight::FrozenWeight(Tensor weight)
    : weight_(std::move(weight)), version_(static_cast<std::uint32_t>(weight_._version())) {
  weight_ = weight_.detach();
}

FrozenWeight::~FrozenWeight() { all_packed_bytes -= packed_bytes_; }

bool FrozenWeight::is_of(const Tensor& weight) const {
  return weight_.const_data_ptr() == weight.const_data_ptr() && weight_.sizes() == weight.sizes() &&
         static_cast<std::uint32_t>(weight._version()) == version_;
}

void FrozenWeight::take_packed(FrozenWeight& other) {
  const bool same = weight_.const_data_ptr() == other.weight_.const_data_ptr() &&
                    weight_.sizes() == other.weight_.sizes() &&
                    weight_.scalar_type() == other.weight_.scalar_type();
  if (!same || !is_of(weight_) || !other.is_of(other.weight_) || packed_bytes_ > 0) return;
  forward_ = std::exchange(other.forward_, {});
  backward_ = std::exchange(other.backward_, {});
  packed_bytes_ = std::exchange(other.packed_bytes_, 0);
}

bool FrozenWeight::pack(const Tensor& weight, Tensor& packed) {
  if (packed.defined()) return true;
  const auto bytes = static_cast<std::int64_t>(weight.nbytes());
  if (!can_pack(weight)) return false;
  if (all_packed_bytes.fetch_add(bytes) + bytes > kMostPackedBytes) {
    all_packed_bytes -= bytes;
    return false;
  }
  packed_bytes_ += bytes;
  packed = reorder(weight.contiguous());
  return true;
}

Tensor FrozenWeight::forward(const Tensor& x_TI, const Tensor& bias) {
  if (x_TI.numel() > 0 && pack(weight_, forward_)) return multiply(x_TI, forward_, bias);
  return torch::linear(x_TI, weight_, bias);
}

Tensor FrozenWeight::backward(const Tensor& d_TO) {
  if (d_TO.numel() > 0 && pack(weight_.t(), backward_)) return multiply(d_TO, backward_, {});
  return d_TO.mm(weight_);
}

}  // namespace mvn
