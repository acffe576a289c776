#include "orchestrate/sweep/scalar.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mvn {
namespace {

TEST(Scalar, BooleansAreTrueAndFalseAlone) {
  for (const char* text : {"true", "True", "TRUE"}) EXPECT_EQ(true, core_bool(text)) << text;
  for (const char* text : {"false", "False", "FALSE"}) EXPECT_EQ(false, core_bool(text)) << text;
  for (const char* text : {"no", "yes", "on", "off", "y", "tRUE", ""}) {
    EXPECT_EQ(std::nullopt, core_bool(text)) << text;
  }
}

TEST(Scalar, Integers) {
  EXPECT_EQ(12, core_int("12"));
  EXPECT_EQ(12, core_int("012"));
  EXPECT_EQ(-3, core_int("-3"));
  EXPECT_EQ(3, core_int("+3"));
  EXPECT_EQ(15, core_int("0o17"));
  EXPECT_EQ(255, core_int("0xff"));
  for (const char* text :
       {"", "-", "+-3", "1_000", "12:30", "0x", "0x-1", "1.0", "1e3", "99999999999999999999"}) {
    EXPECT_EQ(std::nullopt, core_int(text)) << text;
  }
}

TEST(Scalar, Reals) {
  EXPECT_EQ(1e-5, core_real("1e-5"));
  EXPECT_EQ(1e5, core_real("1e5"));
  EXPECT_EQ(3e4, core_real("+3e+4"));
  EXPECT_EQ(-0.5, core_real("-.5"));
  EXPECT_EQ(5.0, core_real("5."));
  EXPECT_EQ(16.0, core_real("0x10"));
  EXPECT_TRUE(std::isinf(*core_real("-.inf")));
  EXPECT_TRUE(std::isnan(*core_real(".nan")));
  EXPECT_TRUE(std::isinf(*core_real("1e999")));
  for (const char* text : {"", ".", "e5", "1e", "1e+", "1.2.3", "inf", "nan", "1,5", "--1", "-"}) {
    EXPECT_EQ(std::nullopt, core_real(text)) << text;
  }
}

TEST(Scalar, TheShortestTextOfANumber) {
  EXPECT_EQ("0.1", number_text(0.1));
  EXPECT_EQ("1e-05", number_text(1e-5));
  EXPECT_EQ("3", number_text(3.0));
}

}  // namespace
}  // namespace mvn
