#include "mvn/params.h"

#include <gtest/gtest.h>

#include "support/error_of.h"

namespace mvn {
namespace {

using test::error_of;

std::vector<ParamSpec> specs() {
  return {
      {.name = "r", .type = ParamType::kInt, .default_value = 16, .help = "rank", .min = 1},
      {.name = "dropout", .type = ParamType::kReal, .default_value = 0.1, .min = 0, .max = 1},
      {.name = "bias",
       .type = ParamType::kText,
       .default_value = "none",
       .choices = {"none", "all", "lora_only"}},
      {.name = "targets", .type = ParamType::kTextList},
      {.name = "train", .type = ParamType::kPath, .help = "training data", .required = true},
  };
}

Params params(Value::Map values) {
  values.try_emplace("train", "a.tsv");
  return {"adapter", specs(), values};
}

TEST(Params, FillsDefaultsAndKeepsWhatIsGiven) {
  const auto p = params({{"r", 8}, {"targets", Value::List{"q_proj", "v_proj"}}});
  EXPECT_EQ(p.get_int("r"), 8);
  EXPECT_DOUBLE_EQ(p.get_real("dropout"), 0.1);
  EXPECT_EQ(p.get_text_list("targets"), (std::vector<std::string>{"q_proj", "v_proj"}));
  EXPECT_EQ(p.get_path("train"), "a.tsv");
}

TEST(Params, TakesAnIntegerForARealAndATextForAList) {
  const auto p = params({{"dropout", 0}, {"targets", "all-linear"}});
  EXPECT_DOUBLE_EQ(p.get_real("dropout"), 0.0);
  EXPECT_EQ(p.get_text_list("targets"), std::vector<std::string>{"all-linear"});
}

TEST(Params, HasIsFalseForWhatIsAbsentOrNull) {
  EXPECT_FALSE(params({}).has("targets"));
  EXPECT_FALSE(params({{"targets", Value()}}).has("targets"));
  EXPECT_TRUE(params({}).has("r"));
}

struct BadCase {
  Value::Map values;
  std::string message;
};

TEST(Params, RefusesWhatDoesNotFit) {
  const std::vector<BadCase> cases = {
      {{{"rank", 8}}, "adapter.rank: unknown parameter (known: r, dropout, bias, targets, train)"},
      {{{"dropuot", 0.1}},
       "adapter.dropuot: unknown parameter; did you mean 'dropout'? (known: r, dropout, bias, "
       "targets, train)"},
      {{{"r", 1.5}}, "adapter.r: expected int, got real"},
      {{{"r", "many"}}, "adapter.r: expected int, got text 'many'"},
      {{{"r", 0}}, "adapter.r: must be at least 1, got 0"},
      {{{"dropout", 1.5}}, "adapter.dropout: must be at most 1, got 1.500000"},
      {{{"bias", "al"}},
       "adapter.bias: unknown value 'al'; did you mean 'all'? (known: none, all, lora_only)"},
      {{{"targets", Value::List{1, 2}}}, "adapter.targets: expected text_list, got list"},
  };
  for (const auto& bad : cases) EXPECT_EQ(error_of([&] { params(bad.values); }), bad.message);
}

TEST(Params, NamesAMissingRequiredParameter) {
  EXPECT_EQ(error_of([] { Params("task", specs(), {}); }),
            "task.train: is required: training data");
}

TEST(Params, AnUndeclaredNameIsTheCallersMistake) {
  EXPECT_EQ(error_of([] { static_cast<void>(params({}).get_int("q")); }),
            "parameter 'adapter.q' was never declared");
  EXPECT_EQ(error_of([] { static_cast<void>(params({}).get_text("targets")); }),
            "adapter.targets: has no value");
}

TEST(Params, TypeNamesRoundTrip) {
  for (const auto type :
       {ParamType::kBool, ParamType::kInt, ParamType::kReal, ParamType::kText, ParamType::kPath,
        ParamType::kTextList, ParamType::kTextOrList, ParamType::kObject, ParamType::kWeights}) {
    EXPECT_EQ(param_type_from(to_string(type)), type);
  }
  EXPECT_EQ(error_of([] { param_type_from("number"); }), "unknown parameter type 'number'");
}

}  // namespace
}  // namespace mvn
