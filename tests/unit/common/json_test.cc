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

TEST(Json, MapsMergeAndListsReplace) {
  Json base = Json::parse(R"({"a": {"x": 1, "y": 2}, "l": [1, 2]})");
  deep_merge(base, Json::parse(R"({"a": {"y": 3}, "l": [9], "n": 0})"));
  EXPECT_EQ(base, Json::parse(R"({"a": {"x": 1, "y": 3}, "l": [9], "n": 0})"));
}

TEST(Json, ADamagedFileIsNamedWithLineAndColumn) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("config.json", "{\n  \"a\": 1,\n  oops\n}\n");
  EXPECT_EQ(error_of([&] { read_json(file); }), file.string() + ":3:3: not valid JSON");
}

}  // namespace
}  // namespace mvn
