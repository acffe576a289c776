#include "mvn/frozen_weight.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <utility>

#include "mvn/parallel.h"
#include "train/sdk/bf16_products.h"

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

Tensor multiply_packed(const Tensor& x, const Tensor& packed, const Tensor& bias) {
  static const auto operation =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                        std::string_view, c10::List<std::optional<at::Scalar>>,
                        std::optional<std::string_view>)>();
  return operation.call(x, packed, bias.defined() ? std::optional(bias) : std::nullopt, "none",
                        c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

// oneDNN leaves some products of bfloat16 to one thread (256 to 1,000 rows, 768 features). Where
// each thread has enough rows, and copying the result costs little beside making it, every thread
// takes its own.
Tensor multiply_on_threads(const Tensor& x_TI, const Tensor& packed, const Tensor& bias,
                           std::int64_t outputs) {
  constexpr std::int64_t kRowsOfAThread = 128;
  constexpr std::int64_t kRowsOfATile = 32;
  const std::int64_t rows = x_TI.size(0);
  const std::int64_t threads = torch::get_num_threads();
  if (x_TI.scalar_type() != torch::kBFloat16 || threads == 1 || rows < threads * kRowsOfAThread ||
      outputs > x_TI.size(1)) {
    return multiply_packed(x_TI, packed, bias);
  }
  const auto tiles = (rows + kRowsOfATile - 1) / kRowsOfATile;
  const auto share = (tiles + threads - 1) / threads * kRowsOfATile;
  auto y_TO = torch::empty({rows, outputs}, x_TI.options());
  parallel_for(rows, share, [&](std::int64_t begin, std::int64_t end) {
    const torch::NoGradGuard no_grad;  // a thread has its own
    y_TO.slice(0, begin, end).copy_(multiply_packed(x_TI.slice(0, begin, end), packed, bias));
  });
  return y_TO;
}

// The type that a weight is laid out in: of a bfloat16 weight float32, where nothing multiplies
// bfloat16.
torch::ScalarType packed_type(torch::ScalarType type) {
  return type == torch::kBFloat16 && !has_bf16_products() ? torch::kFloat32 : type;
}

// x and the bias have the type of the weight, which may be laid out in a wider one; the result is
// rounded to theirs.
Tensor multiply(const Tensor& x, const Tensor& packed, const Tensor& bias, std::int64_t outputs) {
  const auto type = x.scalar_type();
  if (packed_type(type) == type) return multiply_on_threads(x, packed, bias, outputs);
  const auto wide_bias = bias.defined() ? bias.to(torch::kFloat32) : bias;
  return multiply_packed(x.to(torch::kFloat32), packed, wide_bias).to(type);
}

bool can_pack([[maybe_unused]] const Tensor& weight) {
#if defined(__x86_64__)
  const auto type = weight.scalar_type();
  return at::globalContext().hasMKLDNN() && at::globalContext().userEnabledMkldnn() &&
         (type == torch::kFloat32 || type == torch::kBFloat16) && weight.numel() > 0;
#else
  return false;
#endif
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
  const auto type = packed_type(weight.scalar_type());
  const auto bytes = weight.numel() * static_cast<std::int64_t>(c10::elementSize(type));
  if (!can_pack(weight)) return false;
  if (all_packed_bytes.fetch_add(bytes) + bytes > kMostPackedBytes) {
    all_packed_bytes -= bytes;
    return false;
  }
  packed_bytes_ += bytes;
  packed = reorder(weight.to(type).contiguous());
  return true;
}

Tensor FrozenWeight::forward(const Tensor& x_TI, const Tensor& bias) {
  if (x_TI.numel() > 0 && pack(weight_, forward_)) {
    return multiply(x_TI, forward_, bias, weight_.size(0));
  }
  return torch::linear(x_TI, weight_, bias);
}

Tensor FrozenWeight::backward(const Tensor& d_TO) {
  if (d_TO.numel() > 0 && pack(weight_.t(), backward_)) {
    return multiply(d_TO, backward_, {}, weight_.size(1));
  }
  return d_TO.mm(weight_);
}

}  // namespace mvn
