#include "mvn/pattern.h"

#include <gtest/gtest.h>

#include "support/error_of.h"

namespace mvn::test {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return Pattern(pattern).matches(text);
}

std::string refusal(const std::string& pattern) {
  return error_of([&] { static_cast<void>(Pattern(pattern)); });
}

TEST(Pattern, MatchesWholeNamesAsFullmatchDoes) {
  EXPECT_TRUE(matches(R"(.*\.(q|v)_proj)", "model.layers.3.self_attn.q_proj"));
  EXPECT_FALSE(matches(R"(.*\.(q|v)_proj)", "model.layers.3.self_attn.q_proj.extra"));
  EXPECT_FALSE(matches("q_proj", "layers.0.q_proj"));
  EXPECT_TRUE(matches(R"(.*layers\.(?:1?\d|2[0-3])\..*_proj)", "model.layers.17.mlp.up_proj"));
  EXPECT_TRUE(matches(R"(.*\.[0-9]{1,2}\.\w+?)", "h.11.mlp"));
  EXPECT_TRUE(matches("[]a]+", "a]"));
}

TEST(Pattern, SearchesAsReSearchDoes) {
  EXPECT_TRUE(Pattern("norm").found_in("layers.0.norm.weight"));
  EXPECT_FALSE(Pattern("^norm").found_in("layers.0.norm.weight"));
  EXPECT_TRUE(Pattern(R"(\.D$)").found_in("layers.0.mixer.D"));
}

TEST(Pattern, LooksAheadAtItsBeginning) {
  EXPECT_TRUE(matches("^(?!.*lm_head).*proj", "layers.0.q_proj"));
  EXPECT_FALSE(matches("(?!.*lm_head).*", "lm_head"));
  EXPECT_TRUE(matches("(?=.*layers)(?!.*0).*", "layers.1"));
  EXPECT_FALSE(matches("(?=.*layers)(?!.*0).*", "layers.0"));
  EXPECT_TRUE(Pattern("^(?!.*ln_f).*bias$").found_in("h.0.ln_1.bias"));
  EXPECT_FALSE(Pattern("^(?!.*ln_f).*bias$").found_in("ln_f.bias"));
  EXPECT_EQ(
      "the regular expression '.*(?!x)_proj' uses '(?!' elsewhere than at its beginning, which is "
      "not supported",
      refusal(".*(?!x)_proj"));
  EXPECT_EQ(
      "the regular expression '(?!a)b|c' uses '(?' before alternatives; put the alternatives into "
      "a group, which is not supported",
      refusal("(?!a)b|c"));
  EXPECT_FALSE(matches("(?!a)([|(]|c)", "a"));
  EXPECT_TRUE(matches("(?!a)([|(]|c)", "|"));
}

TEST(Pattern, GivesWhatItsLastGroupTook) {
  const Pattern layer(R"(.*?\.(h|layers)\.(\d+)\..*)");
  EXPECT_EQ("3", layer.last_group_of_match("model.layers.3.experts.5.up"));
  EXPECT_EQ(std::nullopt, layer.last_group_of_match("model.norm"));
}

TEST(Pattern, WhatPythonReadsOtherwiseIsRefusedByName) {
  EXPECT_EQ(R"(the regular expression '\Ah' uses \A, which is not supported)", refusal(R"(\Ah)"));
  EXPECT_EQ(R"(the regular expression 'h\Z' uses \Z, which is not supported)", refusal(R"(h\Z)"));
  EXPECT_EQ(R"(the regular expression '(a)\1' uses \1, which is not supported)",
            refusal(R"((a)\1)"));
  EXPECT_EQ("the regular expression '(?P<n>a)' uses '(?P', which is not supported",
            refusal("(?P<n>a)"));
  EXPECT_EQ("the regular expression '(?<=a)b' uses '(?<', which is not supported",
            refusal("(?<=a)b"));
  EXPECT_EQ("the regular expression '(?i)a' uses '(?i', which is not supported", refusal("(?i)a"));
  EXPECT_EQ("the regular expression '[[:alpha:]]' uses [[:, which is not supported",
            refusal("[[:alpha:]]"));
  EXPECT_EQ("the regular expression 'a{,3}' uses '{,', which is not supported", refusal("a{,3}"));
}

TEST(Pattern, WhatIsNoExpressionIsSaid) {
  EXPECT_EQ("'a(b' is not a valid regular expression: missing )", refusal("a(b"));
  EXPECT_EQ("'a**' is not a valid regular expression: bad repetition operator", refusal("a**"));
}

// Neither the stack nor the time depends on what an expression looks like.
TEST(Pattern, HostileExpressionsDoNoHarm) {
  const std::string open(100'000, '(');
  EXPECT_TRUE(matches(open + "a" + std::string(open.size(), ')'), "a"));
  EXPECT_EQ("'" + open.substr(0, 80) +
                "...' (100000 characters) is not a valid regular expression: missing )",
            refusal(open));
  EXPECT_FALSE(matches("((h|a|t|n|o|[a-z0-9])+)+Z", std::string(10'000, 'a')));
  EXPECT_EQ(
      "'(((x{1000}){1000}){1000})' is not a valid regular expression: invalid repetition size",
      refusal("(((x{1000}){1000}){1000})"));
}

}  // namespace
}  // namespace mvn::test
