#include "orchestrate/search/parzen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

namespace mvn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> samples(const Dimension& dimension, const std::vector<Point>& points,
                            int count = 4000) {
  const std::vector<Dimension> space = {dimension};
  const ParzenEstimator estimator(space, points);
  std::mt19937_64 random(7);
  std::vector<double> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(estimator.sample(random)[0]);
  return numbers;
}

double density(const Dimension& dimension, const std::vector<Point>& points, double number) {
  const std::vector<Dimension> space = {dimension};
  return std::exp(ParzenEstimator(space, points).log_density({number}));
}

TEST(Space, RoundsWithinTheBounds) {
  const auto integers = bounded(0.5, 3.5, false, 1);  // 1, 2 or 3
  EXPECT_EQ(settled(integers, 0.5), 1);
  EXPECT_EQ(settled(integers, 3.5), 3);
  EXPECT_EQ(settled(integers, 2.4), 2);
  const auto steps = bounded(0, 0.3, false, 0.05);
  EXPECT_DOUBLE_EQ(settled(steps, 0.3), 0.3);
  EXPECT_DOUBLE_EQ(settled(steps, 0.024), 0);
  const auto rates = bounded(1e-5, 1e-1, true, 0);
  EXPECT_EQ(settled(rates, 1), 1e-1);
  EXPECT_DOUBLE_EQ(to_scale(rates, 1e-3), std::log(1e-3));
  EXPECT_DOUBLE_EQ(rates.centre, std::log(1e-3));
}

TEST(Parzen, WithoutPointsSamplesThePrior) {
  // The prior is a normal as wide as the range, truncated to it: not far from even.
  const auto numbers = samples(bounded(-2, 2, false, 0), {});
  double sum = 0;
  for (const double x : numbers) {
    EXPECT_GE(x, -2);
    EXPECT_LE(x, 2);
    sum += x;
  }
  EXPECT_NEAR(sum / static_cast<double>(numbers.size()), 0, 0.06);
}

TEST(Parzen, SamplesAroundItsPoints) {
  const std::vector<Point> points = {{0.2}, {0.21}, {0.19}, {0.2}};
  const auto numbers = samples(bounded(0, 1, false, 0), points);
  int near = 0;
  for (const double x : numbers) near += std::abs(x - 0.2) < 0.2 ? 1 : 0;
  EXPECT_GT(near, 2000);  // 2 in 5 where everything is even
  EXPECT_GT(density(bounded(0, 1, false, 0), points, 0.2),
            3 * density(bounded(0, 1, false, 0), points, 0.9));
}

TEST(Parzen, IntegersAndStepsAreDrawnAndAddUpToOne) {
  for (const auto& dimension :
       {bounded(0.5, 8.5, false, 1), bounded(0, 1, false, 0.125), bounded(0.2, 4, true, 0.25)}) {
    const std::vector<Point> points = {{1}, {1}, {settled(dimension, 0.5)}};
    std::map<double, double> shares;
    for (const double x : samples(dimension, points, 20000)) shares[x] += 1 / 20000.0;
    double sum = 0;
    for (const auto& [x, share] : shares) {
      EXPECT_NEAR(std::fmod(x / dimension.q, 1), 0, 1e-9) << x;
      EXPECT_NEAR(density(dimension, points, x), share, 0.012) << x;
      sum += density(dimension, points, x);
    }
    EXPECT_NEAR(sum, 1, 1e-3);
  }
}

TEST(Parzen, ALogScaleIsEvenInTheLogarithm) {
  const auto rates = bounded(1e-6, 1, true, 0);
  int below = 0;
  for (const double x : samples(rates, {})) below += x < 1e-3 ? 1 : 0;
  EXPECT_NEAR(below, 2000, 120);
}

TEST(Parzen, WithoutBoundsItStaysAroundItsPriorAndPoints) {
  const Dimension normal{{}, false, -kInfinity, kInfinity, 0, 10, 2};
  double sum = 0;
  for (const double x : samples(normal, {})) sum += x;
  EXPECT_NEAR(sum / 4000, 10, 0.12);
  EXPECT_GT(density(normal, {{13}, {13.2}, {12.8}}, 13), density(normal, {}, 13));
}

TEST(Parzen, ChoicesHaveTheirPriorSharesAndTheirPoints) {
  const auto choices = categorical({0.7, 0.3, 0});
  std::map<double, int> counts;
  for (const double x : samples(choices, {})) ++counts[x];
  EXPECT_NEAR(counts[0], 2800, 120);
  EXPECT_EQ(counts[2], 0);
  // Kernels of two points: (1 + 0.3) / 2 for the second choice each, and the prior's 0.3.
  EXPECT_NEAR(density(choices, {{1}, {1}}, 1), (2 * 1.3 / 2 + 0.3) / 3, 1e-9);
}

TEST(Parzen, OfManyPointsOldOnesCountLess) {
  std::vector<Point> points(30, Point{0.1});
  points.resize(60, Point{0.9});
  const auto dimension = bounded(0, 1, false, 0);
  EXPECT_GT(density(dimension, points, 0.9), 1.5 * density(dimension, points, 0.1));
}

TEST(Parzen, ARangeOfOneNumberIsThatNumber) {
  for (const double x : samples(bounded(3, 3, false, 0), {{3}, {3}}, 5)) EXPECT_EQ(x, 3);
  EXPECT_EQ(density(bounded(3, 3, false, 0), {{3}}, 3), 1);
}

}  // namespace
}  // namespace mvn
