#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "mvn/cpu_isa.h"
#include "support/tensors.h"
#include "train/sdk/cpu/kernels.h"

namespace mvn::test {
namespace {

using torch::Tensor;

// Those that this processor runs.
std::vector<const CpuKernels*> kernel_sets() {
  std::vector<const CpuKernels*> all = {&kCpuPortable};
#if defined(__x86_64__)
  if (processor_isa() >= CpuIsa::kAvx2) all.push_back(&kCpuAvx2);
  if (processor_isa() >= CpuIsa::kAvx512) all.push_back(&kCpuAvx512);
#endif
  return all;
}

template <typename Real>
Real* elements(const Tensor& x) {
  return static_cast<Real*>(x.data_ptr());
}

Tensor plain_attention(const HeadSpan& span, const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto distance =
      torch::arange(span.queries).unsqueeze(1) + span.first - torch::arange(span.keys).unsqueeze(0);
  const auto visible = (distance >= 0).logical_and(distance < span.window);
  const auto scores = q.matmul(k.t()) * static_cast<double>(span.scale);
  return scores.masked_fill(visible.logical_not(), -INFINITY).softmax(-1).matmul(v);
}

// Rows of two heads, of which the second is computed.
Tensor random_rows(std::int64_t rows, std::int64_t width, std::uint64_t seed,
                   torch::ScalarType type) {
  return torch::randn({rows, 2 * width}, generator(seed)).to(type);
}

Tensor second_head(const Tensor& rows) {
  return rows.narrow(1, rows.size(1) / 2, rows.size(1) / 2).to(torch::kDouble);
}

template <typename Real>
void expect_attention(const TypedKernels<Real>& kernels, const HeadSpan& span,
                      torch::ScalarType type, double bound) {
  const auto q = random_rows(span.queries, span.width, 1, type);
  const auto k = random_rows(span.keys, span.width, 2, type);
  const auto v = random_rows(span.keys, span.width, 3, type);
  const auto dy = random_rows(span.queries, span.width, 4, type);
  std::vector<Tensor> wide;
  for (const auto& each : {q, k, v}) wide.push_back(second_head(each).requires_grad_(true));
  const auto expected = plain_attention(span, wide[0], wide[1], wide[2]);
  auto gradients = torch::autograd::grad({expected}, wide, {second_head(dy)});

  // The first head's part must stay as it is.
  std::vector<Tensor> got;
  for (const auto& like : {q, k, v, q}) got.push_back(torch::full_like(like, 7));
  const auto scratch =
      torch::full({attention_scratch(span.queries, span.keys, span.width)}, NAN, torch::kFloat32);
  const auto at = [&](const Tensor& x) { return elements<Real>(x) + span.width; };
  kernels.attend(span, at(q), at(k), at(v), at(got[3]), elements<float>(scratch));
  scratch.fill_(NAN);
  kernels.attend_backward(span, at(q), at(k), at(v), at(dy), at(got[0]), at(got[1]), at(got[2]),
                          elements<float>(scratch));
  gradients.push_back(expected.detach());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_LT(relative_error(gradients[i], second_head(got[i])), bound) << i;
    EXPECT_TRUE((got[i].narrow(1, 0, span.width) == 7).all().item<bool>()) << i;
  }
}

HeadSpan span_of(std::int64_t queries, std::int64_t keys, std::int64_t first, std::int64_t window,
                 std::int64_t width) {
  return {.queries = queries,
          .keys = keys,
          .first = first,
          .window = window,
          .width = width,
          .stride = 2 * width,
          .scale = 1 / std::sqrt(static_cast<float>(width))};
}

TEST(CpuKernels, AreThoseOfTheBestInstructionSet) {
  EXPECT_EQ(name_of(std::min(best_isa(), CpuIsa::kAvx512)), cpu_kernels().name);
}

TEST(CpuKernels, AttendAsTheDefinitionDoes) {
  std::vector<HeadSpan> spans;
  for (const std::int64_t length : {1, 2, 5, 6, 7, 15, 16, 17, 33, 100}) {
    for (const std::int64_t width : {1, 8, 20, 64}) {
      for (const std::int64_t window : {length, std::int64_t{1}, std::int64_t{5}}) {
        spans.push_back(span_of(length, length, 0, window, width));
        spans.push_back(span_of(1, length, length / 2, window, width));
      }
    }
  }
  for (const auto* kernels : kernel_sets()) {
    for (const auto& span : spans) {
      SCOPED_TRACE(testing::Message()
                   << kernels->name << ": " << span.queries << " of " << span.keys << ", width "
                   << span.width << ", window " << span.window);
      expect_attention(kernels->floats, span, torch::kFloat32, 1e-5);
      expect_attention(kernels->halves, span, torch::kBFloat16, 2e-2);
    }
  }
}

// Scores far apart, as GPT-Neo's are, which are not scaled.
TEST(CpuKernels, AttendToScoresOfAnySize) {
  const std::int64_t length = 20;
  auto span = span_of(length, length, 0, length, 8);
  span.scale = 1000;
  const auto q = random_rows(length, span.width, 1, torch::kFloat32);
  auto y = torch::empty_like(q);
  for (const auto* kernels : kernel_sets()) {
    const auto scratch =
        torch::empty({attention_scratch(span.queries, span.keys, span.width)}, torch::kFloat32);
    const auto* at = elements<float>(q) + span.width;
    kernels->floats.attend(span, at, at, at, elements<float>(y) + span.width,
                           elements<float>(scratch));
    const auto head = second_head(q);
    EXPECT_LT(relative_error(plain_attention(span, head, head, head), second_head(y)), 1e-3)
        << kernels->name;
  }
}

// Rounded to bfloat16 as a number, this NaN would be -0.
TEST(CpuKernels, ANaNStaysOneInBfloat16) {
  auto span = span_of(9, 9, 0, 9, 20);
  span.scale = std::bit_cast<float>(0x7fffffffU);
  const auto q = random_rows(9, span.width, 1, torch::kBFloat16);
  const auto x = torch::full({37}, NAN, torch::kBFloat16);
  for (const auto* kernels : kernel_sets()) {
    auto y = torch::zeros_like(q);
    const auto scratch =
        torch::empty({attention_scratch(span.queries, span.keys, span.width)}, torch::kFloat32);
    const auto* at = elements<Half>(q) + span.width;
    kernels->halves.attend(span, at, at, at, elements<Half>(y) + span.width,
                           elements<float>(scratch));
    EXPECT_TRUE(second_head(y).isnan().all().item<bool>()) << kernels->name;
    auto activated = torch::zeros_like(x);
    kernels->halves.gelu(elements<Half>(x), elements<Half>(activated), x.numel());
    EXPECT_TRUE(activated.isnan().all().item<bool>()) << kernels->name;
  }
}

template <typename Real>
void expect_gelu(const TypedKernels<Real>& kernels, const Tensor& x, double bound) {
  const auto wide = x.to(torch::kDouble).requires_grad_(true);
  const auto expected = at::gelu(wide, "tanh");
  const auto dy = torch::randn(x.sizes(), generator(2)).to(x.scalar_type());
  const auto gradient = torch::autograd::grad({expected}, {wide}, {dy.to(torch::kDouble)})[0];
  auto y = torch::empty_like(x);
  auto dx = torch::empty_like(x);
  kernels.gelu(elements<Real>(x), elements<Real>(y), x.numel());
  kernels.gelu_backward(elements<Real>(x), elements<Real>(dy), elements<Real>(dx), x.numel());
  // Each element to its own size, but for what is next to nothing.
  const auto close = [&](const Tensor& right, const Tensor& got) {
    const auto size = right.abs().clamp_min(1e-3);
    return ((right - got.to(torch::kDouble)) / size).abs().max().template item<double>();
  };
  EXPECT_LT(close(expected.detach(), y), bound);
  EXPECT_LT(close(gradient, dx), bound);
}

TEST(CpuKernels, GeluIsThatOfFloat64) {
  for (const auto* kernels : kernel_sets()) {
    for (const std::int64_t count : {1, 15, 16, 1000}) {
      SCOPED_TRACE(testing::Message() << kernels->name << ", " << count);
      const auto x = torch::randn({count}, generator(1)) * 4;
      expect_gelu(kernels->floats, x, 1e-5);
      expect_gelu(kernels->halves, x.to(torch::kBFloat16), 2e-2);
    }
    const auto far = torch::tensor({-1e6F, -100.0F, -12.0F, -0.0F, 0.0F, 12.0F, 100.0F, 1e6F});
    expect_gelu(kernels->floats, far, 1e-5);
  }
}

TEST(CpuKernels, GeluOfWhatIsNotANumberIsNone) {
  const auto x = torch::full({3}, NAN, torch::kFloat32);
  for (const auto* kernels : kernel_sets()) {
    auto y = torch::zeros({3});
    kernels->floats.gelu(elements<float>(x), elements<float>(y), 3);
    EXPECT_TRUE(y.isnan().all().item<bool>()) << kernels->name;
  }
}

}  // namespace
}  // namespace mvn::test
