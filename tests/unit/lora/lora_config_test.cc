#include "lora_config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/error_of.h"

namespace mvn::test {
namespace {

LoraConfig from(const Value::Map& values) {
  return lora_config(Params("adapter", lora_params(), values));
}

std::string fault_of(const Value::Map& values) {
  return error_of([&] { static_cast<void>(from(values)); });
}

TEST(LoraConfig, DefaultsAreThoseOfE5Mistral) {
  const auto config = from({});
  EXPECT_EQ(16, config.r);
  EXPECT_DOUBLE_EQ(32, config.alpha);
  EXPECT_DOUBLE_EQ(0.1, config.dropout);
  EXPECT_TRUE(config.target_modules.all_linear);
  EXPECT_EQ("none", config.bias);
  EXPECT_EQ(LoraStart::kKaiming, config.start);
}

TEST(LoraConfig, ScalesByTheRankOrItsRoot) {
  EXPECT_DOUBLE_EQ(4, from({}).scaling(32, 8));
  EXPECT_DOUBLE_EQ(32 / std::sqrt(8.0), from({{"use_rslora", true}}).scaling(32, 8));
}

TEST(LoraConfig, TargetsAreAListAnExpressionOrAllLinear) {
  EXPECT_EQ((std::vector<std::string>{"q", "v"}),
            from({{"target_modules", Value::List{"q", "v"}}}).target_modules.names);
  EXPECT_EQ(".*q", from({{"target_modules", ".*q"}}).target_modules.pattern);
  EXPECT_TRUE(from({{"target_modules", "ALL-linear"}}).target_modules.all_linear);
}

TEST(LoraConfig, ReadsStartsAndLayers) {
  EXPECT_EQ(LoraStart::kRandom, from({{"init_lora_weights", "false"}}).start);
  EXPECT_EQ(LoraStart::kGaussian, from({{"init_lora_weights", "gaussian"}}).start);
  const auto pissa = from({{"init_lora_weights", "pissa_niter_4"}});
  EXPECT_EQ(LoraStart::kPissa, pissa.start);
  EXPECT_EQ(4, pissa.pissa_iterations);
  EXPECT_EQ((std::vector<std::int64_t>{0, 11}),
            from({{"layers_to_transform", Value::List{"0", "11"}}}).layers_to_transform);
}

TEST(LoraConfig, SaysWhatIsWrong) {
  EXPECT_EQ(
      "adapter.init_lora_weights: 'olora' is not supported (known: true, false, gaussian, pissa, "
      "pissa_niter_N)",
      fault_of({{"init_lora_weights", "olora"}}));
  EXPECT_EQ("adapter.target_modules: 'a(' is not a valid regular expression: missing )",
            fault_of({{"target_modules", "a("}}));
  EXPECT_EQ("adapter.layers_to_transform: expected an integer, got text 'two'",
            fault_of({{"layers_to_transform", "two"}}));
  EXPECT_EQ("adapter.layers_pattern: needs layers_to_transform",
            fault_of({{"layers_pattern", "h"}}));
  EXPECT_EQ(
      "adapter.layers_to_transform: works with a list of target_modules, not with a regular "
      "expression",
      fault_of({{"layers_to_transform", "1"}, {"target_modules", ".*q"}}));
  EXPECT_EQ("adapter.rank_pattern: the rank of 'q' must be at least 1",
            fault_of({{"rank_pattern", Value::Map{{"q", 0}}}}));
  EXPECT_EQ("adapter.init_lora_weights: pissa cannot be combined with use_dora",
            fault_of({{"init_lora_weights", "pissa"}, {"use_dora", true}}));
  EXPECT_EQ("adapter.lora_dropout: must be at least 0 and below 1",
            fault_of({{"lora_dropout", 1.0}}));
}

TEST(LoraConfig, AbsentKeysOfAFileTakePeftsDefaults) {
  const auto config = lora_config_from_peft(
      {{"peft_type", "LORA"}, {"target_modules", Value::List{"q_proj"}}, {"bias", Value()}}, "f");
  EXPECT_EQ(8, config.r);
  EXPECT_DOUBLE_EQ(8, config.alpha);
  EXPECT_DOUBLE_EQ(0, config.dropout);
}

TEST(LoraConfig, AFileThatAsksForMoreIsRefusedByName) {
  const auto fault = [](Value::Map values) {
    values["target_modules"] = Value::List{"q_proj"};
    if (!values.contains("peft_type")) values["peft_type"] = "LORA";
    return error_of([&] { static_cast<void>(lora_config_from_peft(values, "f.json")); });
  };
  EXPECT_EQ("f.json: peft_type: only LORA adapters can be read, this is IA3",
            fault({{"peft_type", "IA3"}}));
  EXPECT_EQ("f.json: target_parameters: is not supported",
            fault({{"target_parameters", Value::List{"w"}}}));
  EXPECT_EQ("f.json: lora_bias: is not supported", fault({{"lora_bias", true}}));
  EXPECT_EQ("(no error)", fault({{"lora_bias", false}, {"loftq_config", Value::Map{}}}));
}

TEST(LoraConfig, KeysThatNobodyKnowsAreSaidUnlessTheyAreOff) {
  std::vector<std::string> warnings;
  const Value::Map values = {{"peft_type", "LORA"},    {"target_modules", Value::List{"q_proj"}},
                             {"peft_version", "0.99"}, {"use_magic", true},
                             {"lora_alhpa", 4},        {"use_more_magic", false},
                             {"magic_config", Value()}};
  lora_config_from_peft(values, "f.json",
                        [&](const std::string& line) { warnings.push_back(line); });
  EXPECT_EQ((std::vector<std::string>{
                "f.json: unknown key 'lora_alhpa' is passed over; did you mean 'lora_alpha'?",
                "f.json: unknown key 'use_magic' is passed over"}),
            warnings);
}

TEST(LoraConfig, WhatIsWrittenReadsBackTheSame) {
  const auto config = from({{"r", 4},
                            {"lora_alpha", 6.5},
                            {"target_modules", Value::List{"q", "v"}},
                            {"exclude_modules", ".*0.*"},
                            {"rank_pattern", Value::Map{{"q", 2}}},
                            {"alpha_pattern", Value::Map{{"v", 3.0}}},
                            {"use_dora", true},
                            {"layers_to_transform", Value::List{"1", "2"}},
                            {"layers_pattern", "h"},
                            {"init_lora_weights", "gaussian"},
                            {"bias", "lora_only"}});
  const auto written = lora_config_to_peft(config, {}, "SEQ_CLS", "base");
  EXPECT_EQ(written,
            lora_config_to_peft(lora_config_from_peft(written, "f"), {}, "SEQ_CLS", "base"));
  EXPECT_EQ(Value(4), written.at("r"));
  EXPECT_EQ(Value(6.5), written.at("lora_alpha"));
  EXPECT_EQ(Value(3), written.at("alpha_pattern").as_map().at("v"));
}

}  // namespace
}  // namespace mvn::test
