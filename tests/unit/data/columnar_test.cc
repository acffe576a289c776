// Parquet and Arrow files, written by Arrow's own writer.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "mvn/data.h"
#include "support/columnar_files.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::ArrowForm;
using test::error_of;
using test::NamedColumn;
using test::table_of;
using test::write_arrow;
using test::write_parquet;
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

const TableOptions kTextAndLabel = {.needed = {"text", "label"}, .joined = {"text"}};
// As `datasets` says it.
const char* const kFeatures = R"({"text": {"dtype": "string", "_type": "Value"},
                                  "label": {"names": ["neg", "pos"], "_type": "ClassLabel"}})";

std::vector<NamedColumn> two_columns() {
  return {{"id", arrow::int32(), "[7, 8, 9]"},
          {"text", arrow::utf8(), R"(["good", "caf\u00e9,\n\"x\"", ""])"},
          {"label", arrow::int64(), "[1, 0, 1]"}};
}

const Rows kTwoColumns = {{"good", "1"}, {"caf\xC3\xA9,\n\"x\"", "0"}, {"", "1"}};
const Rows kNamed = {{"good", "pos"}, {"caf\xC3\xA9,\n\"x\"", "neg"}, {"", "pos"}};

std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

class ColumnarTest : public ::testing::Test {
 protected:
  [[nodiscard]] Table read(const std::string& name, const TableOptions& options) const {
    return read_table(folder_ / name, options, "task.train");
  }
  [[nodiscard]] std::string error(const std::string& name,
                                  const TableOptions& options = kTextAndLabel) const {
    return error_of([&] { static_cast<void>(read(name, options)); });
  }
  // What one column of a type is read as.
  Row cells(const std::shared_ptr<arrow::DataType>& type, const std::string& values,
            const std::string& features = "") {
    write_parquet(folder_ / "cells.parquet", *table_of({{"label", type, values}}, features));
    return column_of(read("cells.parquet", {.needed = {"label"}}));
  }
  // The same of an Arrow file, which has types that Parquet has not.
  Row arrow_cells(const std::shared_ptr<arrow::DataType>& type, const std::string& values) {
    write_arrow(folder_ / "cells.arrow", *table_of({{"label", type, values}}), ArrowForm::kFile);
    return column_of(read("cells.arrow", {.needed = {"label"}}));
  }
  static Row column_of(const Table& table) {
    Row cells;
    for (const auto& row : table.rows) cells.push_back(row.front());
    return cells;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  test::TemporaryFolder folder_;
};

TEST_F(ColumnarTest, ParquetOfEveryCodec) {
  for (const auto codec :
       {arrow::Compression::UNCOMPRESSED, arrow::Compression::SNAPPY, arrow::Compression::GZIP,
        arrow::Compression::ZSTD, arrow::Compression::LZ4, arrow::Compression::BROTLI}) {
    write_parquet(folder_ / "a.parquet", *table_of(two_columns()), {.compression = codec});
    const Table table = read("a.parquet", kTextAndLabel);
    EXPECT_EQ(table.columns, (Row{"text", "label"}));
    EXPECT_EQ(table.rows, kTwoColumns) << arrow::util::Codec::GetCodecAsString(codec);
    EXPECT_EQ(table.lines, (std::vector<std::int64_t>{1, 2, 3}));
  }
}

TEST_F(ColumnarTest, ArrowFilesAndStreams) {
  for (const auto form : {ArrowForm::kFile, ArrowForm::kStream}) {
    for (const auto codec : {arrow::Compression::UNCOMPRESSED, arrow::Compression::ZSTD,
                             arrow::Compression::LZ4_FRAME}) {
      write_arrow(folder_ / "a.arrow", *table_of(two_columns(), kFeatures), form, 2, codec);
      const Table table = read("a.arrow", kTextAndLabel);
      EXPECT_EQ(table.rows, kNamed);
      EXPECT_EQ(table.lines, (std::vector<std::int64_t>{1, 2, 3}));
    }
  }
}

TEST_F(ColumnarTest, AllColumnsWhereNoneIsNeeded) {
  write_parquet(folder_ / "a.parquet", *table_of({{"b", arrow::int8(), "[1, null]"},
                                                  {"a", arrow::utf8(), R"(["x", null])"}}));
  const Table table = read("a.parquet", {});
  EXPECT_EQ(table.columns, (Row{"b", "a"}));
  EXPECT_EQ(table.rows, (Rows{{"1", "x"}, {"", ""}}));
}

TEST_F(ColumnarTest, RowsOfSeveralGroupsKeepTheirOrderAndNumbers) {
  std::string texts = "[";
  std::string labels = "[";
  for (int i = 0; i < 10000; ++i) {
    texts.append(i == 0 ? "" : ", ").append("\"t").append(std::to_string(i)).append("\"");
    labels.append(i == 0 ? "" : ", ").append(i == 9998 ? "7" : std::to_string(i % 2));
  }
  const std::vector<NamedColumn> columns = {{"text", arrow::utf8(), texts + "]"},
                                            {"label", arrow::int64(), labels + "]"}};
  write_parquet(folder_ / "a.parquet", *table_of(columns), {.group_rows = 333});
  const Table table = read("a.parquet", kTextAndLabel);
  ASSERT_EQ(table.rows.size(), 10000U);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    ASSERT_EQ(table.rows[i][0], "t" + std::to_string(i));
    ASSERT_EQ(table.lines[i], static_cast<std::int64_t>(i) + 1);
  }
  write_parquet(folder_ / "b.parquet", *table_of(columns, kFeatures), {.group_rows = 333});
  EXPECT_EQ(error("b.parquet"),
            path("b.parquet") + ":9999: 'label' is 7, but the file names 2 classes, from 0 on");
}

TEST_F(ColumnarTest, NumbersOfEveryWidth) {
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(),
                           arrow::uint8(), arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    EXPECT_EQ(cells(type, "[0, 100]"), (Row{"0", "100"})) << type->ToString();
    EXPECT_EQ(arrow_cells(type, "[0, 100]"), (Row{"0", "100"})) << type->ToString();
  }
  EXPECT_EQ(cells(arrow::int8(), "[-128]"), (Row{"-128"}));
  EXPECT_EQ(cells(arrow::int64(), "[-9223372036854775808, 9223372036854775807]"),
            (Row{"-9223372036854775808", "9223372036854775807"}));
  EXPECT_EQ(cells(arrow::uint64(), "[18446744073709551615]"), (Row{"18446744073709551615"}));
  EXPECT_EQ(cells(arrow::boolean(), "[true, false]"), (Row{"true", "false"}));
  EXPECT_EQ(cells(arrow::float32(), "[0.1, 2, -1.5]"), (Row{"0.1", "2.0", "-1.5"}));
  EXPECT_EQ(cells(arrow::float64(), "[0.1, 2, 1e300]"), (Row{"0.1", "2.0", "1e+300"}));
  EXPECT_EQ(cells(arrow::float16(), "[0.5, 2]"), (Row{"0.5", "2.0"}));
  EXPECT_EQ(cells(arrow::decimal128(5, 2), R"(["1.50"])"), (Row{"1.50"}));
  EXPECT_EQ(cells(arrow::date32(), "[19000]"), (Row{"2022-01-08"}));
}

TEST_F(ColumnarTest, TextsOfEveryKind) {
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::binary(),
                           arrow::large_binary(), arrow::utf8_view(), arrow::binary_view()}) {
    const std::string values = R"(["a", "a text of more than twelve bytes", ""])";
    EXPECT_EQ(arrow_cells(type, values), (Row{"a", "a text of more than twelve bytes", ""}))
        << type->ToString();
    EXPECT_EQ(cells(type, values), (Row{"a", "a text of more than twelve bytes", ""}))
        << type->ToString();
  }
  for (const auto& type : {arrow::dictionary(arrow::int8(), arrow::utf8()),
                           arrow::dictionary(arrow::int32(), arrow::large_utf8())}) {
    EXPECT_EQ(arrow_cells(type, R"(["b", "a", "b"])"), (Row{"b", "a", "b"}));
    EXPECT_EQ(cells(type, R"(["b", "a", "b"])"), (Row{"b", "a", "b"}));
  }
  EXPECT_EQ(cells(arrow::fixed_size_binary(2), R"(["ab"])"), (Row{"ab"}));
}

TEST_F(ColumnarTest, ListsAndObjectsAreTheirJson) {
  EXPECT_EQ(cells(arrow::list(arrow::utf8()), R"([["joy", "fear"], [], ["joy"]])"),
            (Row{R"(["joy","fear"])", "[]", R"(["joy"])"}));
  EXPECT_EQ(arrow_cells(arrow::large_list(arrow::int8()), "[[1, 2], [3]]"), (Row{"[1,2]", "[3]"}));
  EXPECT_EQ(arrow_cells(arrow::fixed_size_list(arrow::int8(), 2), "[[1, 2], [3, 4]]"),
            (Row{"[1,2]", "[3,4]"}));
  EXPECT_EQ(arrow_cells(arrow::list_view(arrow::int8()), "[[1, 2], [3]]"), (Row{"[1,2]", "[3]"}));
  const auto object = arrow::struct_(
      {arrow::field("b", arrow::int8()), arrow::field("a", arrow::list(arrow::utf8()))});
  EXPECT_EQ(cells(object, R"([{"b": 1, "a": ["x"]}, {"b": null, "a": []}])"),
            (Row{R"({"b":1,"a":["x"]})", R"({"b":null,"a":[]})"}));
}

TEST_F(ColumnarTest, AListOfWordsIsAText) {
  write_parquet(folder_ / "a.parquet",
                *table_of({{"text", arrow::list(arrow::utf8()), R"([["two", "words"], []])"},
                           {"label", arrow::int8(), "[0, 1]"}}));
  EXPECT_EQ(read("a.parquet", kTextAndLabel).rows, (Rows{{"two words", "0"}, {"", "1"}}));
}

TEST_F(ColumnarTest, AColumnWithinObjects) {
  const auto review =
      arrow::struct_({arrow::field("title", arrow::utf8()), arrow::field("body", arrow::utf8()),
                      arrow::field("stars", arrow::struct_({arrow::field("n", arrow::int8())}))});
  const auto table = table_of(
      {{"id", arrow::int8(), "[1, 2]"},
       {"review", review,
        R"([{"title": "t", "body": "fine", "stars": {"n": 5}},
            {"title": null, "body": "bad", "stars": {"n": 1}}])"},
       {"dotted.name", arrow::utf8(), R"(["x", "y"])"}},
      R"({"review": {"stars": {"n": {"names": ["0","a","b","c","d","five"], "_type": "ClassLabel"}}}})");
  write_parquet(folder_ / "a.parquet", *table);
  write_arrow(folder_ / "a.arrow", *table, ArrowForm::kStream);
  for (const char* name : {"a.parquet", "a.arrow"}) {
    const TableOptions options = {.needed = {"review.body", "review.stars.n", "dotted.name"}};
    EXPECT_EQ(read(name, options).rows, (Rows{{"fine", "five", "x"}, {"bad", "a", "y"}}));
    EXPECT_EQ(error(name, {.needed = {"review.title"}}), path(name) + ":2: 'review.title' is null");
  }
}

TEST_F(ColumnarTest, ColumnsThatAreNotThereAreNamed) {
  write_parquet(folder_ / "a.parquet",
                *table_of({{"id", arrow::int8(), "[1]"},
                           {"review", arrow::struct_({arrow::field("body", arrow::utf8())}),
                            R"([{"body": "x"}])"}}));
  const Table table = read("a.parquet", {.needed = {"review.bodi", "id"}});
  EXPECT_EQ(error_of([&] { static_cast<void>(table.column("review.bodi", "task.text")); }),
            "task.text: " + path("a.parquet") +
                " has no column 'review.bodi'; did you mean 'review.body'? (columns: id, "
                "review.body)");
}

TEST_F(ColumnarTest, ClassesHaveTheNamesThatTheFileGivesThem) {
  write_parquet(folder_ / "a.parquet", *table_of(two_columns(), kFeatures));
  EXPECT_EQ(read("a.parquet", kTextAndLabel).rows, kNamed);
  // Without Arrow's own schema, as the hub writes them.
  write_parquet(folder_ / "a.parquet", *table_of(two_columns(), kFeatures),
                {.stores_schema = false});
  EXPECT_EQ(read("a.parquet", kTextAndLabel).rows, kNamed);
  const auto list = arrow::list(arrow::int64());
  for (const char* type : {"Sequence", "List", "LargeList"}) {
    const std::string features = std::string(R"({"label": {"feature": {"names": ["a", "b"],)") +
                                 R"( "_type": "ClassLabel"}, "_type": ")" + type + R"("}})";
    EXPECT_EQ(cells(list, "[[0, 1], [1]]", features), (Row{R"(["a","b"])", R"(["b"])"}));
  }
  EXPECT_EQ(cells(list, "[[1]]", R"({"label": [{"names": ["a", "b"], "_type": "ClassLabel"}]})"),
            (Row{R"(["b"])"}));
  // What says nothing changes nothing.
  for (const char* features : {"[]", "3", R"({"label": {"names": [], "_type": "ClassLabel"}})",
                               R"({"label": {"dtype": "int64", "_type": "Value"}})", "not json"}) {
    EXPECT_EQ(cells(arrow::int64(), "[1]", features), (Row{"1"})) << features;
  }
}

TEST_F(ColumnarTest, RowsWithoutAValueAreRefused) {
  const auto refused = [&](const NamedColumn& text, const NamedColumn& label) {
    write_parquet(folder_ / "a.parquet", *table_of({text, label}, kFeatures));
    write_arrow(folder_ / "a.arrow", *table_of({text, label}, kFeatures), ArrowForm::kFile);
    const auto words = error("a.parquet");
    const auto from = path("a.parquet").size();
    EXPECT_EQ(error("a.arrow"), path("a.arrow") + words.substr(from));
    return words.substr(from);
  };
  const NamedColumn texts = {"text", arrow::utf8(), R"(["a", "b"])"};
  const NamedColumn labels = {"label", arrow::int64(), "[1, 0]"};
  EXPECT_EQ(refused({"text", arrow::utf8(), R"(["a", null])"}, labels), ":2: 'text' is null");
  EXPECT_EQ(refused(texts, {"label", arrow::int64(), "[null, 1]"}), ":1: 'label' is null");
  EXPECT_EQ(refused(texts, {"label", arrow::int64(), "[0, -1]"}),
            ":2: 'label' is -1, which stands for no label");
  EXPECT_EQ(refused(texts, {"label", arrow::float64(), "[0, NaN]"}),
            ":2: 'label' is no number (NaN or infinite)");
}

TEST_F(ColumnarTest, BytesThatAreNoText) {
  const auto bytes = [](const std::string& text) {
    arrow::BinaryBuilder builder;
    test::expect_ok(builder.Append("fine"));
    test::expect_ok(builder.Append(text));
    return test::value_of(builder.Finish());
  };
  const auto table = arrow::Table::Make(arrow::schema({arrow::field("text", arrow::binary())}),
                                        {bytes("caf\xE9")});
  write_parquet(folder_ / "a.parquet", *table);
  EXPECT_EQ(error("a.parquet", {.needed = {"text"}}),
            path("a.parquet") + ":2: 'text' is not UTF-8");
}

TEST_F(ColumnarTest, TypesThatAreNotRead) {
  const auto type = arrow::dense_union({arrow::field("a", arrow::int8())});
  write_arrow(folder_ / "a.arrow", *table_of({{"label", type, "[[0, 1]]"}}), ArrowForm::kFile);
  EXPECT_EQ(error("a.arrow", {.needed = {"label"}}),
            path("a.arrow") +
                ":1: 'label' is of the type dense_union<a: int8=0>, which is not "
                "read");
}

TEST_F(ColumnarTest, FilesUnderOtherNames) {
  write_parquet(folder_ / "a.parquet", *table_of(two_columns()));
  write_arrow(folder_ / "a.arrow", *table_of(two_columns()), ArrowForm::kFile);
  write_arrow(folder_ / "s.arrow", *table_of(two_columns()), ArrowForm::kStream);
  std::filesystem::copy_file(folder_ / "a.parquet", folder_ / "plain");
  std::filesystem::copy_file(folder_ / "a.parquet", folder_ / "b.csv");
  std::filesystem::copy_file(folder_ / "a.arrow", folder_ / "c.jsonl");
  std::filesystem::copy_file(folder_ / "s.arrow", folder_ / "stream");
  EXPECT_EQ(read("plain", kTextAndLabel).rows, kTwoColumns);
  EXPECT_EQ(error("b.csv"), "task.train: " + path("b.csv") +
                                " is a Parquet file, whatever its name says; say format: parquet");
  EXPECT_EQ(error("c.jsonl"), "task.train: " + path("c.jsonl") +
                                  " is an Arrow file, whatever its name says; say format: arrow");
  TableOptions options = kTextAndLabel;
  options.format = "parquet";
  EXPECT_EQ(read("b.csv", options).rows, kTwoColumns);
  EXPECT_EQ(error("a.arrow", options),
            path("a.arrow") + ": is an Arrow file and no Parquet file; say format: arrow");
  options.format = "arrow";
  EXPECT_EQ(read("c.jsonl", options).rows, kTwoColumns);
  EXPECT_EQ(read("stream", options).rows, kTwoColumns);
  EXPECT_EQ(error("a.parquet", options),
            path("a.parquet") + ": is a Parquet file and no Arrow file; say format: parquet");
}

TEST_F(ColumnarTest, WhatIsNoSuchFile) {
  static_cast<void>(folder_.write("a.parquet", "text,label\na,1\n"));
  static_cast<void>(folder_.write("a.arrow", "text,label\na,1\n"));
  static_cast<void>(folder_.write("e.parquet", ""));
  static_cast<void>(
      folder_.write("l.parquet", "version https://git-lfs.github.com/spec/v1\nsize 9\n"));
  EXPECT_EQ(error("a.parquet"), path("a.parquet") + ": is no Parquet file, whatever its name says");
  EXPECT_EQ(
      error("a.arrow"),
      path("a.arrow") + ": is no Arrow file, neither of the file form nor a stream, or is cut off");
  EXPECT_EQ(error("e.parquet"), path("e.parquet") + ": the file is empty");
  EXPECT_EQ(error("l.parquet").substr(0, path("l.parquet").size() + 26),
            path("l.parquet") + ": is a Git LFS pointer, no");
  EXPECT_EQ(error("no.parquet"), "task.train: no file " + path("no.parquet"));
}

// Cut off anywhere, or with a byte that is another: refused in one line, or read as it was.
class DamagedTest : public ColumnarTest {
 protected:
  void check(const std::string& name, const std::string& bytes, bool may_be_whole) {
    static_cast<void>(folder_.write(name, bytes));
    Rows rows;
    const auto words = error_of([&] { rows = read(name, kTextAndLabel).rows; });
    if (words == "(no error)") {
      EXPECT_TRUE(may_be_whole);
      return;
    }
    EXPECT_EQ(words.find('\n'), std::string::npos) << words;
    EXPECT_NE(words.find(path(name)), std::string::npos) << words;
  }

  void check_all(const std::string& name) {
    const auto whole = bytes_of(folder_ / name);
    for (std::size_t size = 1; size < whole.size(); size += 29) {
      check(name, whole.substr(0, size), false);
    }
    for (std::size_t at = 0; at < whole.size(); at += 13) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 0x5A);
      check(name, changed, true);
    }
  }
};

TEST_F(DamagedTest, Parquet) {
  write_parquet(folder_ / "a.parquet", *table_of(two_columns(), kFeatures), {.group_rows = 2});
  check_all("a.parquet");
}

TEST_F(DamagedTest, ArrowFile) {
  write_arrow(folder_ / "a.arrow", *table_of(two_columns(), kFeatures), ArrowForm::kFile, 2);
  check_all("a.arrow");
}

TEST_F(DamagedTest, ArrowStream) {
  write_arrow(folder_ / "a.arrow", *table_of(two_columns(), kFeatures), ArrowForm::kStream, 2);
  check_all("a.arrow");
}

TEST_F(DamagedTest, APageIsCheckedByItsSum) {
  write_parquet(folder_ / "a.parquet", *table_of(two_columns()),
                {.compression = arrow::Compression::UNCOMPRESSED});
  auto bytes = bytes_of(folder_ / "a.parquet");
  bytes[bytes.find("good")] = 'f';
  static_cast<void>(folder_.write("a.parquet", bytes));
  EXPECT_EQ(error("a.parquet").substr(0, path("a.parquet").size() + 26),
            path("a.parquet") + ": is damaged or cut off: c");
}

}  // namespace
}  // namespace mvn
