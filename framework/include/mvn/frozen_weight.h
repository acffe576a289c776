// Products with a frozen weight on a CPU, packed once as oneDNN wants it.
#pragma once

#include <torch/custom_class.h>

#include <cstdint>

#include "mvn/torch.h"

namespace mvn {

// LibTorch hands its float32 products to MKL, which leaves half of the speed unused on other
// makers' processors, and its bfloat16 products lay the weight out anew every time. A weight that
// never changes is laid out once for each direction, when that is first asked for, up to a total of
// kMostPackedBytes for the process; where it cannot be, the products are LibTorch's.
class FrozenWeight : public torch::CustomClassHolder {
 public:
  static constexpr std::int64_t kMostPackedBytes = std::int64_t{4} << 30;

  // weight [out, in] on the CPU, which nobody changes while this is used.
  explicit FrozenWeight(torch::Tensor weight);
  FrozenWeight(const FrozenWeight&) = delete;
  FrozenWeight& operator=(const FrozenWeight&) = delete;
  ~FrozenWeight() override;

  // x W^T + bias, x [T, in] of the weight's type -> [T, out]; bias [out] may be undefined.
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& x_TI, const torch::Tensor& bias);
  // The gradient of x: d [T, out] -> [T, in].
  [[nodiscard]] torch::Tensor backward(const torch::Tensor& d_TO);

  [[nodiscard]] const torch::Tensor& weight() const { return weight_; }
  // True where `weight` is the tensor of the constructor, with the values that it had then.
  [[nodiscard]] bool is_of(const torch::Tensor& weight) const;

  // Takes over what `other` has laid out, if that is of the same memory and was not written to.
  void take_packed(FrozenWeight& other);
  // The size of what is laid out.
  [[nodiscard]] std::int64_t packed_bytes() const { return packed_bytes_; }

 private:
  bool pack(const torch::Tensor& weight, torch::Tensor& packed);

  torch::Tensor weight_;
  std::uint32_t version_;
  torch::Tensor forward_;  // packed; undefined until asked for
  torch::Tensor backward_;
  std::int64_t packed_bytes_ = 0;
};

}  // namespace mvn
