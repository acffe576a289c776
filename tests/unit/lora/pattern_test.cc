#include "pattern.h"

#include <gtest/gtest.h>

#include "support/error_of.h"

namespace mvn::test {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return std::regex_match(text, compile_python_regex(pattern));
}

std::string refusal(const std::string& pattern) {
  return error_of([&] { static_cast<void>(compile_python_regex(pattern)); });
}

TEST(Pattern, MatchesWholeNamesAsFullmatchDoes) {
  EXPECT_TRUE(matches(R"(.*\.(q|v)_proj)", "model.layers.3.self_attn.q_proj"));
  EXPECT_FALSE(matches(R"(.*\.(q|v)_proj)", "model.layers.3.self_attn.q_proj.extra"));
  EXPECT_FALSE(matches("q_proj", "layers.0.q_proj"));
  EXPECT_TRUE(matches(R"(.*layers\.(?:1?\d|2[0-3])\..*(?!x)_proj)", "model.layers.17.mlp.up_proj"));
  EXPECT_TRUE(matches(R"(.*\.[0-9]{1,2}\.\w+?)", "h.11.mlp"));
}

TEST(Pattern, WhatPythonReadsOtherwiseIsRefusedByName) {
  EXPECT_EQ(R"(the regular expression '\Ah' uses \A, which is not supported)", refusal(R"(\Ah)"));
  EXPECT_EQ(R"(the regular expression 'h\Z' uses \Z, which is not supported)", refusal(R"(h\Z)"));
  EXPECT_EQ("the regular expression '(?P<n>a)' uses '(?P', which is not supported",
            refusal("(?P<n>a)"));
  EXPECT_EQ("the regular expression '(?<=a)b' uses '(?<', which is not supported",
            refusal("(?<=a)b"));
  EXPECT_EQ("the regular expression '(?i)a' uses '(?i', which is not supported", refusal("(?i)a"));
  EXPECT_EQ("the regular expression '[[:alpha:]]' uses [[:, which is not supported",
            refusal("[[:alpha:]]"));
}

TEST(Pattern, WhatIsNoExpressionIsSaid) {
  EXPECT_EQ("'a(b' is not a valid regular expression", refusal("a(b"));
}

}  // namespace
}  // namespace mvn::test
