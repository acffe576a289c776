#include "train/recipe/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim.h>

#include <cmath>

#include "support/error_of.h"

namespace mvn {
namespace {

constexpr double kRate = 0.01;

OptimizerOptions named(const std::string& name) {
  OptimizerOptions options;
  options.name = name;
  options.weight_decay = 0.1;
  return options;
}

// A matrix that decays and a vector that does not.
struct Weights {
  torch::Tensor matrix = torch::linspace(-1, 1, 24).reshape({4, 6}).requires_grad_();
  torch::Tensor vector = torch::linspace(0.5, 1, 6).requires_grad_();

  void backward(int step) const {
    // Smooth enough that rounding does not grow from step to step.
    const auto x = torch::linspace(-1, 1 + 0.1 * step, 8).reshape({2, 4});
    ((torch::mm(x, matrix) * vector).sin().sum() * 3).backward();
  }
  [[nodiscard]] std::vector<Trainable> trainables() const {
    return {{"matrix", matrix, true}, {"vector", vector, false}};
  }
};

// Ten updates by ours and by LibTorch's own optimizer.
template <typename Reference, typename Options>
void expect_same_as(Options reference_options, const OptimizerOptions& ours) {
  Weights mine;
  Weights theirs;
  Optimizer optimizer(ours, mine.trainables());
  auto no_decay = reference_options;
  no_decay.weight_decay(0);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{theirs.matrix},
                      std::make_unique<Options>(reference_options));
  groups.emplace_back(std::vector<torch::Tensor>{theirs.vector},
                      std::make_unique<Options>(no_decay));
  Reference reference(groups, reference_options);
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_gradients();
    mine.backward(step);
    static_cast<void>(optimizer.clip_gradients());
    optimizer.step(kRate);
    reference.zero_grad();
    theirs.backward(step);
    reference.step();
  }
  EXPECT_TRUE(torch::allclose(mine.matrix, theirs.matrix, 1e-5, 1e-7));
  EXPECT_TRUE(torch::allclose(mine.vector, theirs.vector, 1e-5, 1e-7));
  EXPECT_FALSE(torch::allclose(mine.matrix, Weights().matrix));
}

TEST(OptimizerTest, AdamWIsLibTorchs) {
  expect_same_as<torch::optim::AdamW>(torch::optim::AdamWOptions(kRate).weight_decay(0.1),
                                      named("adamw"));
}

TEST(OptimizerTest, AdamIsLibTorchs) {
  expect_same_as<torch::optim::Adam>(torch::optim::AdamOptions(kRate).weight_decay(0.1),
                                     named("adam"));
}

TEST(OptimizerTest, SgdIsLibTorchs) {
  auto options = named("sgd");
  options.momentum = 0.9;
  expect_same_as<torch::optim::SGD>(torch::optim::SGDOptions(kRate).weight_decay(0.1).momentum(0.9),
                                    options);
}

TEST(OptimizerTest, ARateOnTheDeviceIsTheSame) {
  for (const auto* name : {"adamw", "adam", "sgd"}) {
    auto options = named(name);
    options.momentum = 0.9;
    Weights one;
    Weights two;
    Optimizer by_host(options, one.trainables());
    Optimizer by_device(options, two.trainables());
    for (int step = 0; step < 5; ++step) {
      by_host.zero_gradients();
      by_device.zero_gradients();
      one.backward(step);
      two.backward(step);
      by_host.step(kRate * step);
      by_device.step(torch::scalar_tensor(kRate * step, torch::kFloat32));
    }
    EXPECT_TRUE(torch::allclose(one.matrix, two.matrix, 1e-6, 1e-7)) << name;
    EXPECT_TRUE(torch::allclose(one.vector, two.vector, 1e-6, 1e-7)) << name;
    EXPECT_FALSE(torch::allclose(one.matrix, Weights().matrix)) << name;
  }
}

TEST(OptimizerTest, WithoutBiasCorrectionTheFirstStepIsGptNeos) {
  auto options = named("adamw");
  options.bias_correction = false;
  const auto weight = torch::tensor({1.0, 2.0}).requires_grad_();
  Optimizer optimizer(options, {{"weight", weight, true}});
  (weight * torch::tensor({3.0, -4.0})).sum().backward();
  optimizer.step(kRate);
  // optimizers.py: m = (1 - b1) g, v = (1 - b2) g^2, w -= lr (m / (sqrt(v) + eps) + decay w)
  const double update = 0.1 / std::sqrt(0.001);
  EXPECT_NEAR(weight[0].item<double>(), 1 - kRate * (update + 0.1 * 1), 1e-6);
  EXPECT_NEAR(weight[1].item<double>(), 2 - kRate * (-update + 0.1 * 2), 1e-6);
}

TEST(OptimizerTest, ClippingScalesToTheGlobalNormAndTellsTheOneBefore) {
  auto options = named("sgd");
  options.max_grad_norm = 1;
  Weights weights;
  Optimizer optimizer(options, weights.trainables());
  weights.backward(1);
  const auto before = weights.matrix.grad().clone();
  const double norm = std::sqrt(before.square().sum().item<double>() +
                                weights.vector.grad().square().sum().item<double>());
  ASSERT_GT(norm, 1);
  EXPECT_NEAR(optimizer.clip_gradients().item<double>(), norm, 1e-4);
  EXPECT_TRUE(torch::allclose(weights.matrix.grad(), before / norm, 1e-4));
  EXPECT_NEAR(optimizer.clip_gradients().item<double>(), 1, 1e-4);
}

TEST(OptimizerTest, GradientsWithinTheNormStayAsTheyAre) {
  auto options = named("sgd");
  options.max_grad_norm = 1e6;
  Weights weights;
  Optimizer optimizer(options, weights.trainables());
  weights.backward(1);
  const auto before = weights.matrix.grad().clone();
  static_cast<void>(optimizer.clip_gradients());
  EXPECT_TRUE(torch::equal(weights.matrix.grad(), before));
}

TEST(OptimizerTest, ItsStateIsAllThatTheNextUpdateNeeds) {
  Weights one;
  Optimizer first(named("adamw"), one.trainables());
  for (int step = 0; step < 3; ++step) {
    first.zero_gradients();
    one.backward(step);
    first.step(kRate);
  }
  Weights two;
  {
    const torch::NoGradGuard no_grad;
    two.matrix.copy_(one.matrix);
    two.vector.copy_(one.vector);
  }
  Optimizer second(named("adamw"), two.trainables());
  second.load_state(first.state());
  for (auto* each : {&one, &two}) {
    each->matrix.mutable_grad().reset();
    each->vector.mutable_grad().reset();
    each->backward(5);
  }
  first.step(kRate);
  second.step(kRate);
  EXPECT_TRUE(torch::equal(one.matrix, two.matrix));
  EXPECT_TRUE(torch::equal(one.vector, two.vector));
}

// A trial may be saved before its first step, and a resumed one loads before it makes a step.
TEST(OptimizerTest, HasAStateBeforeItsFirstUpdate) {
  Weights weights;
  Optimizer optimizer(named("adamw"), weights.trainables());
  const auto state = optimizer.state();
  EXPECT_EQ(5U, state.size());
  for (const auto& [name, tensor] : state) EXPECT_EQ(0, tensor.count_nonzero().item<int>()) << name;
  EXPECT_EQ(weights.matrix.sizes(), state.at("optimizer.second.matrix").sizes());
}

TEST(OptimizerTest, AStateOfOtherParametersIsRefused) {
  Weights weights;
  Optimizer optimizer(named("adamw"), weights.trainables());
  EXPECT_EQ(test::error_of([&] { optimizer.load_state({}); }),
            "has no tensor 'optimizer.first.matrix'");
}

TEST(OptimizerTest, NothingToTrainIsAnError) {
  EXPECT_EQ(test::error_of([] { const Optimizer optimizer(named("adamw"), {}); }),
            "nothing to train: every parameter is frozen");
}

}  // namespace
}  // namespace mvn
