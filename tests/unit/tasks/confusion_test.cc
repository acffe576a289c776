#include "confusion.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn::test {
namespace {

Confusion of(std::int64_t classes, const std::vector<std::pair<int, int>>& answers) {
  Confusion confusion(classes);
  for (const auto& [label, predicted] : answers) confusion.add(label, predicted);
  return confusion;
}

TEST(Confusion, CountsByLabelAndByPrediction) {
  const auto confusion = of(3, {{0, 0}, {0, 1}, {1, 1}, {2, 1}});
  EXPECT_EQ(4, confusion.total());
  EXPECT_EQ(2, confusion.labelled(0));
  EXPECT_EQ(1, confusion.labelled(1));
  EXPECT_EQ(3, confusion.predicted(1));
  EXPECT_EQ(0, confusion.predicted(2));
  EXPECT_DOUBLE_EQ(0.5, confusion.accuracy());
  EXPECT_DOUBLE_EQ(0.5, confusion.majority());
}

// tp 3, fp 1, fn 2, tn 4: MCC = (3*4 - 1*2) / sqrt(4 * 5 * 5 * 6).
TEST(Confusion, TwoClassesGiveTheBinaryMatthewsCoefficient) {
  const auto confusion =
      of(2, {{1, 1}, {1, 1}, {1, 1}, {0, 1}, {1, 0}, {1, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}});
  EXPECT_NEAR(10 / std::sqrt(600.0), confusion.matthews(), 1e-12);
  // F1 of class 1: 2*3/(4+5), of class 0: 2*4/(6+5).
  EXPECT_NEAR((6.0 / 9 + 8.0 / 11) / 2, confusion.macro_f1(), 1e-12);
}

// Values of scikit-learn's matthews_corrcoef and f1_score(average="macro") for
// y_true [0, 1, 2, 0, 1, 2, 0], y_pred [0, 2, 1, 0, 0, 2, 1].
TEST(Confusion, ThreeClassesAgreeWithScikitLearn) {
  const auto confusion = of(3, {{0, 0}, {1, 2}, {2, 1}, {0, 0}, {1, 0}, {2, 2}, {0, 1}});
  EXPECT_NEAR(0.125, confusion.matthews(), 1e-12);
  EXPECT_NEAR((2.0 / 3 + 0 + 0.5) / 3, confusion.macro_f1(), 1e-12);
}

TEST(Confusion, AClassThatOccursNowhereDoesNotCountInMacroF1) {
  EXPECT_DOUBLE_EQ(1, of(5, {{0, 0}, {3, 3}}).macro_f1());
}

TEST(Confusion, AClassThatIsOnlyPredictedCountsAsZero) {
  EXPECT_NEAR((2.0 / 3 + 1 + 0) / 3, of(4, {{0, 0}, {0, 2}, {1, 1}}).macro_f1(), 1e-12);
}

TEST(Confusion, MatthewsIsZeroWhereItIsUndefined) {
  EXPECT_DOUBLE_EQ(0, of(2, {{0, 0}, {1, 0}}).matthews());
  EXPECT_DOUBLE_EQ(0, of(2, {{0, 0}, {0, 0}}).matthews());
  EXPECT_DOUBLE_EQ(0, Confusion(2).matthews());
}

TEST(Confusion, MatthewsOfPerfectAnswersIsOneAndOfSwappedOnesMinusOne) {
  EXPECT_DOUBLE_EQ(1, of(3, {{0, 0}, {1, 1}, {2, 2}}).matthews());
  EXPECT_DOUBLE_EQ(-1, of(2, {{0, 1}, {1, 0}}).matthews());
}

}  // namespace
}  // namespace mvn::test
