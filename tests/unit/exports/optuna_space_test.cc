#include "orchestrate/exports/optuna_space.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

Json distribution(const Json& axis, const std::vector<Json>& values) {
  return Json::parse(OptunaDistribution(axis, values).json());
}

Json of_floats(double low, double high, bool log, const Json& step = nullptr) {
  const Json attributes = {{"low", low}, {"high", high}, {"log", log}, {"step", step}};
  return {{"name", "FloatDistribution"}, {"attributes", attributes}};
}

Json of_integers(int low, int high, bool log, int step) {
  const Json attributes = {{"low", low}, {"high", high}, {"log", log}, {"step", step}};
  return {{"name", "IntDistribution"}, {"attributes", attributes}};
}

TEST(OptunaSpace, ARangeOfTheSweepFileIsItsBounds) {
  EXPECT_EQ(distribution({{"min", 0.0}, {"max", 0.1}}, {0.05, 0.07}), of_floats(0, 0.1, false));
  EXPECT_EQ(
      distribution({{"distribution", "log_uniform_values"}, {"min", 1e-5}, {"max", 1e-2}}, {1e-3}),
      of_floats(1e-5, 1e-2, true));
  EXPECT_EQ(distribution({{"min", 1}, {"max", 64}}, {3, 5}), of_integers(1, 64, false, 1));
}

TEST(OptunaSpace, RealNumbersThatHappenToBeWholeStayReal) {
  EXPECT_EQ(distribution({{"min", 0.0}, {"max", 2.0}, {"count", 3}}, {0, 1, 2}),
            of_floats(0, 2, false));
}

TEST(OptunaSpace, StepsWhereOptunaHasTheSame) {
  EXPECT_EQ(distribution({{"min", 0}, {"max", 0.3}, {"q", 0.1}}, {0.1, 0.3}),
            of_floats(0, 0.3, false, 0.1));
  EXPECT_EQ(distribution({{"min", 0}, {"max", 64}, {"q", 16}}, {16, 64}),
            of_integers(0, 64, false, 16));
  // Ours are multiples of q; Optuna's begin at its lowest number.
  EXPECT_EQ(distribution({{"min", 0.05}, {"max", 0.3}, {"q", 0.1}}, {0.1, 0.3}),
            of_floats(0.05, 0.3, false));
}

TEST(OptunaSpace, WithoutARangeTheValuesAreTheBounds) {
  EXPECT_EQ(distribution({{"values", {0.1, 0.2}}}, {0.2, 0.1}), of_floats(0.1, 0.2, false));
  EXPECT_EQ(distribution(nullptr, {1e-4, 1e-2}), of_floats(1e-4, 1e-2, true));
  EXPECT_EQ(distribution(nullptr, {16, 32}), of_integers(16, 32, false, 1));
  EXPECT_EQ(distribution(nullptr, {1, 0.5}), of_floats(0.5, 1, false));
  EXPECT_EQ(distribution({{"distribution", "normal"}, {"mu", 0}}, {-1.5, 2.0}),
            of_floats(-1.5, 2, false));
  // A value outside of the range, of an earlier version of the file.
  EXPECT_EQ(distribution({{"min", 0.0}, {"max", 1.0}}, {0.5, 3.0}), of_floats(0, 3, false));
}

TEST(OptunaSpace, EverythingElseIsAChoice) {
  const Json axis = {{"values", {"adam", nullptr, {1, 2}, true, 1}}};
  const OptunaDistribution choices(axis, {"sgd", "adam", 1});
  const auto json = Json::parse(choices.json());
  EXPECT_EQ(json.at("name"), "CategoricalDistribution");
  EXPECT_EQ(json.at("attributes").at("choices"),
            Json::array({"adam", nullptr, "[1,2]", true, 1, "sgd"}));
  EXPECT_EQ(choices.internal("adam"), 0);
  EXPECT_EQ(choices.internal(nullptr), 1);
  EXPECT_EQ(choices.internal(Json::array({1, 2})), 2);
  EXPECT_EQ(choices.internal("sgd"), 5);
  // Neighbours that a double does not tell apart.
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  const OptunaDistribution integers(nullptr, {large - 1, large});
  EXPECT_EQ(integers.internal(large), 1);
}

TEST(OptunaSpace, AxesOfTheFileAndOfTheStage) {
  const Json sweep = Json::parse(R"({
    "parameters": {"a": {"values": [1]}, "b": {"parameters": {"c": {"min": 0, "max": 1}}}},
    "stages": {"second": {"parameters": {"a": {"values": [2]}}}}})");
  const auto whole = axes_of(sweep, "");
  EXPECT_EQ(whole.size(), 2U);
  EXPECT_EQ(whole.at("b.c"), (Json{{"min", 0}, {"max", 1}}));
  EXPECT_EQ(axes_of(sweep, "second").at("a").at("values"), Json::array({2}));
  EXPECT_EQ(axes_of(sweep, "first").at("a").at("values"), Json::array({1}));
  EXPECT_TRUE(axes_of(Json::array(), "x").empty());
  EXPECT_TRUE(axes_of({{"parameters", 3}, {"stages", 4}}, "x").empty());
}

}  // namespace
}  // namespace mvn
