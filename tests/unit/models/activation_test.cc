#include "mvn/activation.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "support/tensors.h"

namespace mvn::test {
namespace {

using torch::Tensor;

struct Result {
  Tensor y, dx;
};

template <typename Gelu>
Result with_gradient(const Tensor& given, const Gelu& gelu) {
  const auto x = given.detach().requires_grad_(true);
  const auto y = gelu(x);
  return {y.detach(), torch::autograd::grad({y.square().sum()}, {x})[0]};
}

// Of any shape, also where the elements do not lie in order.
TEST(GeluTanh, IsLibTorchs) {
  const auto x = torch::randn({7, 45}, generator(1)) * 3;
  for (const auto& each : {x, x.t(), x.to(torch::kDouble), x.narrow(1, 3, 5)}) {
    const auto expected =
        with_gradient(each, [](const Tensor& at) { return at::gelu(at, "tanh"); });
    const auto got = with_gradient(each, gelu_tanh);
    EXPECT_LT(largest_difference(expected.y, got.y), 1e-5);
    EXPECT_LT(largest_difference(expected.dx, got.dx), 1e-4);
  }
}

TEST(GeluTanh, DoesNotDependOnTheThreads) {
  const int before = at::get_num_threads();
  const auto x = torch::randn({301, 203}, generator(1)).to(torch::kBFloat16);
  at::set_num_threads(1);
  const auto one = with_gradient(x, gelu_tanh);
  at::set_num_threads(3);
  const auto three = with_gradient(x, gelu_tanh);
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one.y, three.y));
  EXPECT_TRUE(torch::equal(one.dx, three.dx));
}

}  // namespace
}  // namespace mvn::test
