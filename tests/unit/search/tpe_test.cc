#include "orchestrate/search/tpe.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn {
namespace {

using State = Observation::State;

const std::vector<Dimension> kSpace = {bounded(0, 1, false, 0), categorical({0.5, 0.5})};

// Twenty finished draws, the value of each |x - best| + the index of its choice.
std::vector<Observation> finished(double best) {
  std::vector<Observation> seen;
  for (int i = 0; i < 20; ++i) {
    const Point point = {(i + 0.5) / 20, static_cast<double>(i % 2)};
    seen.push_back({point, State::kFinished, std::abs(point[0] - best) + point[1], 0});
  }
  return seen;
}

// The mean of the first dimension, and the share of the first choice, over 100 draws.
std::pair<double, double> drawn(const std::vector<Observation>& seen) {
  double sum = 0;
  double first = 0;
  for (int i = 0; i < 100; ++i) {
    const auto point = draw_by_tpe(kSpace, seen, draw_seed(i, 20));
    sum += (*point)[0];
    first += (*point)[1] == 0 ? 1 : 0;
  }
  return {sum / 100, first / 100};
}

TEST(Tpe, BeginsAtRandom) {
  auto seen = finished(0.3);
  seen.resize(9);
  EXPECT_FALSE(draw_by_tpe(kSpace, seen, "seed"));
  seen.push_back({{0.5, 0}, State::kRunning, 0, 0});
  EXPECT_FALSE(draw_by_tpe(kSpace, seen, "seed"));
  seen.back().state = State::kFailed;
  EXPECT_TRUE(draw_by_tpe(kSpace, seen, "seed"));
}

TEST(Tpe, IsAFunctionOfWhatItIsGiven) {
  const auto seen = finished(0.3);
  EXPECT_EQ(draw_by_tpe(kSpace, seen, "seed"), draw_by_tpe(kSpace, seen, "seed"));
  EXPECT_NE(draw_by_tpe(kSpace, seen, "seed"), draw_by_tpe(kSpace, seen, "other"));
}

TEST(Tpe, DrawsWhereValuesAreLow) {
  const auto [low, first] = drawn(finished(0.1));
  const auto [high, also_first] = drawn(finished(0.9));
  EXPECT_LT(low, 0.3);
  EXPECT_GT(high, 0.7);
  EXPECT_GT(first, 0.7);
  EXPECT_GT(also_first, 0.7);
}

TEST(Tpe, WhatFailedIsTheWorstAndWhatWasStoppedIsWorseThanWhatFinished) {
  auto seen = finished(0.1);
  for (auto& each : seen) {
    if (each.point[0] < 0.5) each.state = State::kFailed;  // with the best values
  }
  EXPECT_GT(drawn(seen).first, 0.4);
  for (auto& each : seen) {
    if (each.point[0] < 0.5) each.state = State::kStopped;
  }
  EXPECT_GT(drawn(seen).first, 0.4);
}

TEST(Tpe, OfWhatWasStoppedTheFurtherIsTheBetter) {
  auto seen = finished(0.1);
  for (auto& each : seen) {
    each.state = State::kStopped;
    each.iterations = each.point[0] > 0.9 ? 9 : 1;
  }
  EXPECT_GT(drawn(seen).first, 0.7);
}

TEST(Tpe, ANaNIsAFailure) {
  auto seen = finished(0.1);
  for (auto& each : seen) {
    if (each.point[0] < 0.5) each.value = std::nan("");
  }
  EXPECT_GT(drawn(seen).first, 0.4);
}

TEST(Tpe, PrefersWhatWasNotDrawnBefore) {
  const std::vector<Dimension> space = {categorical({0.5, 0.5}), bounded(0.5, 2.5, false, 1)};
  const std::vector<Point> drawn = {{0, 1}, {0, 2}, {1, 1}};
  std::vector<Observation> seen;
  for (int i = 0; i < 12; ++i) {
    seen.push_back({drawn[static_cast<std::size_t>(i % 3)], State::kFinished, i * 1.0, 0});
  }
  int fresh = 0;
  for (int i = 0; i < 20; ++i) {
    fresh += *draw_by_tpe(space, seen, draw_seed(i, 12)) == Point{1, 2} ? 1 : 0;
  }
  EXPECT_GT(fresh, 15);  // unless it was no candidate
}

TEST(Space, IsCountedWhereItsNumbersAre) {
  const auto one_of_three = categorical({0.5, 0.25, 0.25});
  const auto never_the_last = categorical({0.5, 0.5, 0});
  const auto tenths = bounded(0, 0.3, false, 0.1);
  EXPECT_EQ(size_of({one_of_three, never_the_last, tenths}), 24);
  EXPECT_EQ(size_of({one_of_three, bounded(2, 2, false, 0)}), 3);
  EXPECT_EQ(size_of({one_of_three, bounded(0, 1, false, 0)}), std::nullopt);
  EXPECT_EQ(size_of({bounded(0, 1e9, false, 1)}), std::nullopt);
  const Dimension unbounded{{}, false, -INFINITY, INFINITY, 1, 0, 1};
  EXPECT_EQ(size_of({unbounded}), std::nullopt);
}

TEST(Space, AFreshDrawIsTheFirstThatIsNewOrOneOfThoseLeft) {
  const std::vector<Dimension> space = {categorical({0.25, 0.25, 0.25, 0.25})};
  const auto by_number = [](std::int64_t draw) { return Point{static_cast<double>(draw % 4)}; };
  EXPECT_EQ(fresh_draw(space, {{0}, {1}}, by_number, 2), Point{2});
  // Its redraws are always the same: one of those left is taken.
  EXPECT_EQ(fresh_draw(space, {{2}, {0}, {1}}, by_number, 2), Point{3});
  // Nothing is left.
  EXPECT_EQ(fresh_draw(space, {{2}, {0}, {1}, {3}}, by_number, 1), Point{1});
}

}  // namespace
}  // namespace mvn
