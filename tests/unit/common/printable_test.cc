#include "common/printable.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

TEST(Printable, WhatATerminalObeysIsSeenInstead) {
  EXPECT_EQ(printable("\x1b]0;title\x07\x7f"), "\\u001b]0;title\\u0007\\u007f");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\u0000b");
}

TEST(Printable, WhatItObeysBeyondAsciiToo) {
  EXPECT_EQ(printable("\u009b31m"), "\\u009b31m");
  EXPECT_EQ(printable("a\xE2\x80\xAE-b\xE2\x81\xA6-c\xE2\x80\xA8-d"),
            "a\\u202e-b\\u2066-c\\u2028-d");
  EXPECT_EQ(printable("\xff\x9b"), "\uFFFD\uFFFD");
}

TEST(Printable, AllElseStays) {
  EXPECT_EQ(printable("± 0.1 … 语 \U0001F600"), "± 0.1 … 语 \U0001F600");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("a\n\tb\x1b[2J\r\n"), "a\n\tb\\u001b[2J\\r\n");
}

}  // namespace
}  // namespace mvn
