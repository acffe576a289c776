#include "minimize.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

// Rosenbrock's valley.
ValueAndSlope valley(const torch::Tensor& at) {
  const double x = at[0].item<double>();
  const double y = at[1].item<double>();
  const double off = y - x * x;
  return {(1 - x) * (1 - x) + 100 * off * off,
          torch::tensor({-2 * (1 - x) - 400 * x * off, 200 * off}, torch::kDouble)};
}

// The figures are scipy.optimize.minimize(rosen, [-1.2, 1], jac=rosen_der, method="L-BFGS-B",
// options={"maxls": 50, "gtol": 1e-4, "ftol": 64 * eps, "maxiter": steps}).
TEST(Minimize, TakesTheStepsOfScipy) {
  struct Case {
    int steps;
    double x;
    double y;
  };
  for (const auto& [steps, x, y] : {Case{1, -1.0174097957038217, 1.0745266139984402},
                                    Case{2, -1.0270197526043319, 1.068358702632824},
                                    Case{5, -1.021385160033696, 1.0392943881350645},
                                    Case{10, -0.6778321515223973, 0.42585440520596285},
                                    Case{20, 0.37017471386502127, 0.13229321286746182},
                                    Case{100, 0.999998945349282, 0.9999980209057328}}) {
    MinimizeRules rules;
    rules.steps = steps;
    const auto at = minimize(torch::tensor({-1.2, 1.0}, torch::kDouble), valley, rules);
    EXPECT_NEAR(at[0].item<double>(), x, 1e-9) << steps;
    EXPECT_NEAR(at[1].item<double>(), y, 1e-9) << steps;
  }
}

TEST(Minimize, StaysWhereThereIsNoSlope) {
  const auto at = minimize(torch::ones({2}, torch::kDouble), valley);
  EXPECT_EQ(at[0].item<double>(), 1);
}

TEST(Minimize, EndsWhereNoStepLeadsDown) {
  const auto wrong = [](const torch::Tensor& at) {
    return ValueAndSlope{-at.sum().item<double>(), torch::ones_like(at)};
  };
  const auto at = minimize(torch::zeros({2}, torch::kDouble), wrong);
  EXPECT_EQ(at[0].item<double>(), 0);
}

}  // namespace
}  // namespace mvn
