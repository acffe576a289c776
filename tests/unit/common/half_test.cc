#include "mvn/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace mvn {
namespace {

std::uint16_t rounded(std::uint32_t bits) { return as_half(std::bit_cast<float>(bits)).bits; }

TEST(Half, RoundsToTheNearestEven) {
  EXPECT_EQ(rounded(0x3f800000), 0x3f80);
  EXPECT_EQ(rounded(0x3f808000), 0x3f80);  // halfway
  EXPECT_EQ(rounded(0x3f818000), 0x3f82);
  EXPECT_EQ(rounded(0x3f808001), 0x3f81);
  EXPECT_EQ(rounded(0x80000000), 0x8000);
  EXPECT_EQ(rounded(0x7f7fffff), 0x7f80);  // what is too large
  EXPECT_EQ(rounded(0xff800000), 0xff80);
}

// Rounded as a number, the first of these would be -0, the second infinite.
TEST(Half, ANaNStaysOne) {
  for (const std::uint32_t bits : {0x7fffffffU, 0x7f800001U, 0xffffffffU, 0xff800001U}) {
    EXPECT_TRUE(std::isnan(as_float({rounded(bits)}))) << bits;
  }
}

TEST(Half, IsAFloatOfTheSameValue) {
  EXPECT_EQ(as_float({0x3f81}), 1.0078125F);
  EXPECT_EQ(as_float({0xff80}), -INFINITY);
}

}  // namespace
}  // namespace mvn
