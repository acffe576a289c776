#include "common/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;

TEST(Json, CanonicalTextIgnoresOrderAndSpelling) {
  EXPECT_EQ(canonical_json(Json::parse(R"({"b": 1e-3, "a": [1, true]})")),
            canonical_json(Json::parse(R"({"a":[1,true],"b":0.001})")));
  EXPECT_EQ(canonical_json(Json::parse("0.1")), "0.1");
}

TEST(Json, ValuesSurviveTheRoundTrip) {
  const Json json = Json::parse(R"({"a": null, "b": [1, 2.5, "x", false], "c": {"d": -7}})");
  EXPECT_EQ(to_json(to_value(json)), json);
}

TEST(Json, NumbersThatJsonCannotHoldSurvive) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(number_from_json(number_to_json(std::nan("")))));
  EXPECT_EQ(number_from_json(number_to_json(infinity)), infinity);
  EXPECT_EQ(number_from_json(number_to_json(-infinity)), -infinity);
  EXPECT_EQ(number_from_json(number_to_json(0.1)), 0.1);
  EXPECT_EQ(error_of([] { number_from_json("ten"); }),
            "expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", got \"ten\"");
}

TEST(Json, ANumberThatNoDoubleHoldsIsSaidWithItsPlace) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("a.json", "{\"a\": 1,\n \"b\": 1e400}");
  EXPECT_EQ(error_of([&] { read_json(file); }),
            file.string() + ":2:7: the number 1e400 is beyond what a double holds");
}

TEST(Json, ADamagedFileIsNamedWithLineAndColumn) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("config.json", "{\n  \"a\": 1,\n  oops\n}\n");
  EXPECT_EQ(error_of([&] { read_json(file); }), file.string() + ":3:3: not valid JSON");
  EXPECT_EQ(error_of([] { parse_json("[1e999]", "answer"); }),
            "answer:1:2: the number 1e999 is beyond what a double holds");
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ATextThatNestsTooDeeplyIsRefusedWithItsKey) {
  const test::TemporaryFolder folder;
  const auto file = folder.write(
      "config.json", "{\"a [\\\"[\": [[1], \"[\"],\n \"layers\": " + nested(100'000) + "}");
  EXPECT_EQ(error_of([&] { read_json(file); }),
            file.string() + ":2:111: 'layers': lists and objects nest more than 100 deep");
  EXPECT_EQ(error_of([] { parse_json(nested(101), "answer"); }),
            "answer:1:101: lists and objects nest more than 100 deep");
  EXPECT_EQ(parse_json(nested(100), "answer").dump(), nested(100));
  EXPECT_TRUE(try_parse_json(nested(101)).is_discarded());
  EXPECT_TRUE(try_parse_json("[").is_discarded());
  EXPECT_TRUE(try_parse_json("\"\\").is_discarded());
  EXPECT_EQ(try_parse_json(nested(100)).dump(), nested(100));
}

TEST(Json, AWholeNumberBeyondTheIntegersStaysItself) {
  EXPECT_EQ(to_value(Json::parse("9223372036854775807")).as_int(),
            std::numeric_limits<std::int64_t>::max());
  const Value large = to_value(Json::parse("18446744073709551614"));
  EXPECT_FALSE(large.is_int());
  EXPECT_EQ(large.as_real(), 18446744073709551614.0);
}

}  // namespace
}  // namespace mvn
