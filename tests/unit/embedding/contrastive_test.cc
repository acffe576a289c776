#include "contrastive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "support/tensors.h"

namespace mvn::test {
namespace {

using torch::Tensor;

double cosine_of(const Tensor& a, const Tensor& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::int64_t d = 0; d < a.size(0); ++d) {
    const double x = a[d].item<double>();
    const double y = b[d].item<double>();
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

Tensor random_vectors(std::int64_t rows, std::uint64_t seed) {
  return torch::randn({rows, 5}, generator(seed), torch::kDouble);
}

// The largest difference between a gradient and central differences of `loss`, relative to the
// gradient's largest value.
double gradient_error(const Tensor& x, const std::function<Tensor()>& loss) {
  x.mutable_grad() = Tensor();
  loss().backward();
  const torch::NoGradGuard no_grad;
  auto expected = torch::zeros_like(x);
  constexpr double kStep = 1e-6;
  auto* value = x.data_ptr<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double before = value[i];
    value[i] = before + kStep;
    const double above = loss().item<double>();
    value[i] = before - kStep;
    const double below = loss().item<double>();
    value[i] = before;
    expected.data_ptr<double>()[i] = (above - below) / (2 * kStep);
  }
  return relative_error(expected, x.grad());
}

// Three anchors; documents 3 and 4 are hard negatives, of which 4 equals the first positive.
// Anchors 0 and 2 are one text.
const BatchKeys kKeys = {.anchors = {7, 8, 7}, .documents = {1, 2, 3, 4, 1}};

TEST(Contrastive, WhatEqualsThePositiveIsNoNegative) {
  const auto expected =
      torch::tensor({{0, 0, 1, 0, 1}, {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}}, torch::kLong);
  EXPECT_TRUE(torch::equal(expected.to(torch::kBool), not_negatives(kKeys)));
}

TEST(Contrastive, InfoNceIsItsDefinition) {
  constexpr double kTemperature = 0.3;
  const auto anchors = random_vectors(3, 1);
  const auto documents = random_vectors(5, 2);
  const auto hidden = not_negatives(kKeys);
  const auto similar = [&](std::int64_t i, std::int64_t j) {
    return hidden[i][j].item<bool>() ? 0
                                     : std::exp(cosine_of(anchors[i], documents[j]) / kTemperature);
  };
  double forth = 0;
  double back = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    double row = 0;
    double column = 0;
    for (std::int64_t j = 0; j < 5; ++j) row += similar(i, j);
    for (std::int64_t j = 0; j < 3; ++j) column += similar(j, i);
    forth -= std::log(similar(i, i) / row);
    back -= std::log(similar(i, i) / column);
  }
  EXPECT_NEAR(forth, info_nce(anchors, documents, hidden, kTemperature, false).item<double>(),
              1e-12);
  EXPECT_NEAR((forth + back) / 2,
              info_nce(anchors, documents, hidden, kTemperature, true).item<double>(), 1e-12);
}

TEST(Contrastive, InfoNceHasTheGradientsOfFiniteDifferences) {
  const auto anchors = random_vectors(3, 1).requires_grad_();
  const auto documents = random_vectors(5, 2).requires_grad_();
  for (const bool symmetric : {false, true}) {
    const auto loss = [&] {
      return info_nce(anchors, documents, not_negatives(kKeys), 0.3, symmetric);
    };
    EXPECT_LT(gradient_error(anchors, loss), 1e-7);
    EXPECT_LT(gradient_error(documents, loss), 1e-7);
  }
}

TEST(Contrastive, AnAnchorWithoutNegativesAddsNothing) {
  const auto anchors = random_vectors(2, 1).requires_grad_();
  const auto hidden = not_negatives({.anchors = {1, 2}, .documents = {5, 5}});
  const auto loss = info_nce(anchors, random_vectors(2, 2), hidden, 0.05, true);
  EXPECT_EQ(0, loss.item<double>());
  loss.backward();
  EXPECT_EQ(0, anchors.grad().abs().max().item<double>());
}

TEST(Contrastive, CosentIsItsDefinition) {
  const auto first = random_vectors(4, 3).requires_grad_();
  const auto second = random_vectors(4, 4).requires_grad_();
  const std::vector<double> scores = {2, 5, 2, 0.5};
  double sum = 1;
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      if (scores[static_cast<std::size_t>(i)] <= scores[static_cast<std::size_t>(j)]) continue;
      sum += std::exp((cosine_of(first[j], second[j]) - cosine_of(first[i], second[i])) / 0.2);
    }
  }
  const auto loss = [&] {
    return cosent(first, second, torch::tensor(scores, torch::kDouble), 0.2);
  };
  EXPECT_NEAR(std::log(sum), loss().item<double>(), 1e-12);
  EXPECT_LT(gradient_error(first, loss), 1e-7);
  EXPECT_LT(gradient_error(second, loss), 1e-7);
}

}  // namespace
}  // namespace mvn::test
