#include "orchestrate/store/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "common/text.h"
#include "support/error_of.h"

namespace mvn {
namespace {

std::string written(RowFormat format, const std::vector<std::string>& names,
                    const std::vector<std::vector<Cell>>& rows,
                    std::optional<std::size_t> width = {}) {
  std::ostringstream out;
  const auto writer = make_row_writer(format, out, width);
  writer->columns(names);
  for (const auto& row : rows) writer->row(row);
  writer->end();
  return out.str();
}

const std::vector<std::vector<Cell>> kRows = {
    {std::string("a,\"b\"\nc"), std::int64_t{1}, 0.1 + 0.2, Cell()},
    {std::string(""), std::int64_t{-20}, -INFINITY, NAN}};

TEST(TableTest, PeopleGetAlignedColumns) {
  EXPECT_EQ(written(RowFormat::kTable, {"text", "n", "x", "y"}, kRows),
            "text        n          x    y\n"
            "--------  ---  ---------  ---\n"
            "a,\"b\"\\nc    1        0.3    -\n"
            "          -20  -Infinity  NaN\n");
  EXPECT_EQ(written(RowFormat::kTable, {"text"}, {}), "text\n----\n(no rows)\n");
}

TEST(TableTest, LargeNumbersAreShownInFull) {
  EXPECT_EQ(written(RowFormat::kTable, {"x"}, {{1764064800123.0}, {1e-7}}),
            "            x\n-------------\n1764064800123\n        1e-07\n");
}

TEST(TableTest, TheWidestColumnsGiveWayToTheTerminal) {
  EXPECT_EQ(written(RowFormat::kTable, {"name", "text"},
                    {{std::string("seven"), std::string("a text that is too long")}}, 20),
            "name   text\n"
            "-----  -------------\n"
            "seven  a text that …\n");
  EXPECT_EQ(written(RowFormat::kTable, {"a", "b"},
                    {{std::string("0123456789"), std::string("0123456789")}}, 12),
            "a         b\n"
            "--------  -…\n"
            "0123456…  0…\n");
}

TEST(TableTest, RowsAreWrittenAsTheyComeOnceTheWidthsAreKnown) {
  for (const auto& [width, end] : std::vector<std::pair<std::optional<std::size_t>, std::string>>{
           {{}, "longer than those before  2\n"}, {12, "longer than…\n"}}) {
    std::ostringstream out;
    const auto writer = make_row_writer(RowFormat::kTable, out, width);
    writer->columns({"text", "n"});
    std::string expected = "text  n\n----  -\n";
    for (std::size_t i = 0; i < kRowsToAlignBy; ++i) {
      EXPECT_EQ(out.str(), "");
      writer->row({std::string("a"), std::int64_t{1}});
      expected += "a     1\n";
    }
    EXPECT_EQ(out.str(), expected);
    writer->row({std::string("longer than those before"), std::int64_t{2}});
    EXPECT_EQ(out.str(), expected + end);
    writer->end();
    EXPECT_EQ(out.str(), expected + end);
  }
}

TEST(TableTest, CharactersOfSeveralBytesTakeOneColumn) {
  EXPECT_EQ(written(RowFormat::kTable, {"sd", "n"}, {{std::string("± 0.1"), std::int64_t{3}}}),
            "sd     n\n-----  -\n± 0.1  3\n");
}

TEST(TableTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(written(RowFormat::kTable, {"t"}, {{std::string("a\x1b[31mb")}}),
            "t\n------------\na\\u001b[31mb\n");
  EXPECT_EQ(written(RowFormat::kTable, {"\x1b]0;x"}, {{std::string("a")}}),
            "\\u001b]0;x\n----------\na\n");
}

TEST(Table, CsvAndJsonOnATerminalHoldNothingThatItObeys) {
  const std::vector<std::vector<Cell>> rows = {{std::string("a\x1b[31m\u009b,\nb")}};
  EXPECT_EQ(written(RowFormat::kCsv, {"n\x1b"}, rows), "n\x1b\n\"a\x1b[31m\u009b,\nb\"\n");
  EXPECT_EQ(written(RowFormat::kCsv, {"n\x1b"}, rows, 80),
            "n\\u001b\n\"a\\u001b[31m\\u009b,\nb\"\n");
  EXPECT_EQ(written(RowFormat::kJson, {"n"}, rows, 80),
            "[\n{\"n\":\"a\\u001b[31m\\u009b,\\nb\"}\n]\n");
}

TEST(TableTest, CsvIsQuotedWhereItHasToBe) {
  EXPECT_EQ(written(RowFormat::kCsv, {"text", "n", "x,y", "z"}, kRows),
            "text,n,\"x,y\",z\n"
            "\"a,\"\"b\"\"\nc\",1,0.30000000000000004,\n"
            "\"\",-20,-Infinity,NaN\n");
}

TEST(TableTest, JsonKeepsTypesAndTheOrderOfColumns) {
  EXPECT_EQ(written(RowFormat::kJson, {"text", "n", "x", "a"}, kRows),
            "[\n"
            "{\"text\":\"a,\\\"b\\\"\\nc\",\"n\":1,\"x\":0.30000000000000004,\"a\":null},\n"
            "{\"text\":\"\",\"n\":-20,\"x\":\"-Infinity\",\"a\":\"NaN\"}\n"
            "]\n");
  EXPECT_EQ(written(RowFormat::kJson, {"a"}, {}), "[]\n");
}

TEST(TableTest, AnUnknownFormatIsRefusedWithTheNearest) {
  EXPECT_EQ(row_format("json"), RowFormat::kJson);
  EXPECT_EQ(test::error_of([] { (void)row_format("jsn"); }),
            "unknown format 'jsn'; did you mean 'json'? (known: table, csv, json)");
}

}  // namespace
}  // namespace mvn
