#include "train/sdk/deterministic.h"

#include <gtest/gtest.h>

#include "support/tensors.h"

namespace mvn::test {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Whether LibTorch would only warn while the last gradient of Watched was computed.
bool only_warned = false;

// The product of three, whose gradient notes what LibTorch was held to.
class Watched : public torch::autograd::Function<Watched> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v) {
    ctx->save_for_backward({q, k, v});
    return q * k * v;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    only_warned = at::globalContext().deterministicAlgorithmsWarnOnly();
    const auto x = ctx->get_saved_variables();
    const auto& d = gradients[0];
    return {d * x[1] * x[2], d * x[0] * x[2], d * x[0] * x[1]};
  }
};

Tensor watched(const Tensor& q, const Tensor& k, const Tensor& v) {
  return Watched::apply(q, k, v);
}

class DeterministicGradientTest : public testing::Test {
 protected:
  void TearDown() override { at::globalContext().setDeterministicAlgorithms(false, false); }

  variable_list inputs_ = {torch::full({3}, 2.0).requires_grad_(true), torch::full({3}, 3.0),
                           torch::full({3}, 5.0).requires_grad_(true)};

  // d (q k v)^2 by q and v, through the function and its surroundings.
  variable_list gradients() {
    const auto doubled = inputs_[0] * 2;
    const auto y = with_deterministic_gradient(watched, doubled, inputs_[1], inputs_[2]);
    return torch::autograd::grad({(y * y).sum()}, {inputs_[0], inputs_[2]});
  }
  void expect_right(const variable_list& found) {
    // y = 2 q k v = 60
    EXPECT_TRUE(torch::equal(found[0], torch::full({3}, 2.0 * 60 * 2 * 3 * 5)));
    EXPECT_TRUE(torch::equal(found[1], torch::full({3}, 2.0 * 60 * 2 * 2 * 3)));
  }
};

TEST_F(DeterministicGradientTest, IsHeldToWhatLibTorchWouldOnlyWarnOf) {
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  only_warned = true;
  expect_right(gradients());
  EXPECT_FALSE(only_warned);
  EXPECT_TRUE(at::globalContext().deterministicAlgorithmsWarnOnly()) << "as it was before";
}

TEST_F(DeterministicGradientTest, IsLeftAloneWhereNobodyAsks) {
  only_warned = true;
  expect_right(gradients());
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());
}

TEST_F(DeterministicGradientTest, IsNoGraphWhereNoneIsWanted) {
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  const torch::NoGradGuard no_grad;
  const auto y = with_deterministic_gradient(watched, inputs_[0], inputs_[1], inputs_[2]);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_TRUE(torch::equal(y, torch::full({3}, 30.0)));
}

}  // namespace
}  // namespace mvn::test
