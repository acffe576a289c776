#include "common/text.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

TEST(Shortened, CutsWholeCharacters) {
  EXPECT_EQ(shortened("short", 10), "short");
  EXPECT_EQ(shortened("a long label", 8), "a lon...");
  EXPECT_EQ(shortened("\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc", 5), "\u00e4\u00f6...");
  EXPECT_EQ(columns("\u00e4b"), 2U);
}

TEST(Texts, AreShort) {
  EXPECT_EQ(duration_text(1.25), "1.2 s");
  EXPECT_EQ(duration_text(245), "4m 05s");
  EXPECT_EQ(duration_text(11525), "3h 12m");
  EXPECT_EQ(duration_text(187300), "2d 04h");
  EXPECT_EQ(rate_text(0.256), "0.26");
  EXPECT_EQ(rate_text(38.21), "38.2");
  EXPECT_EQ(rate_text(1204.4), "1204");
  EXPECT_EQ(short_number(0.43127), "0.4313");
}

TEST(LastLines, AreTheLastOnes) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb", 5), "a\nb");
  EXPECT_EQ(last_lines("\n\n", 5), "");
  EXPECT_EQ(last_lines(std::string(10000, 'x'), 5).size(), 4000U);
}

TEST(ShellText, QuotesWhatNeedsIt) {
  EXPECT_EQ(shell_text({"a", "b c", "it's", ""}), "a 'b c' 'it'\\''s' ''");
}

TEST(ShortId, IsTheFirstTwelveDigits) {
  EXPECT_EQ(short_id("0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(short_id("0123"), "0123");
}

}  // namespace
}  // namespace mvn
