#include <gtest/gtest.h>
#include <sys/stat.h>

#include <tuple>

#include "mvn/data.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn {
namespace {

using test::error_of;
using test::TemporaryFolder;
using Row = std::vector<std::string>;

class TableTest : public ::testing::Test {
 protected:
  Table read(const std::string& name, const std::string& content, TableOptions options = {}) {
    return read_table(folder_.write(name, content), options, "task.train");
  }
  std::string error(const std::string& name, const std::string& content,
                    TableOptions options = {}) {
    return error_of([&] { read(name, content, options); });
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  TemporaryFolder folder_;
};

TEST_F(TableTest, CsvQuotesHoldDelimitersLineEndsAndQuotes) {
  const Table table =
      read("a.csv", "text,label\n\"a, b\",1\n\"two\nlines\",2\n\"say \"\"so\"\"\",3\n");
  EXPECT_EQ(table.columns, (Row{"text", "label"}));
  EXPECT_EQ(table.rows,
            (std::vector<Row>{{"a, b", "1"}, {"two\nlines", "2"}, {"say \"so\"", "3"}}));
  EXPECT_EQ(table.lines, (std::vector<std::int64_t>{2, 3, 5}));
}

TEST_F(TableTest, CsvQuoteInsideAFieldIsText) {
  EXPECT_EQ(read("a.csv", "t\n6\" long\n").rows, (std::vector<Row>{{"6\" long"}}));
}

TEST_F(TableTest, MarkAndCrLfAndMissingLastLineEndAreAccepted) {
  const Table table = read("a.csv", "\xEF\xBB\xBFtext,label\r\nx,1\r\n\r\n\"y\r\nz\",2");
  EXPECT_EQ(table.columns, (Row{"text", "label"}));
  EXPECT_EQ(table.rows, (std::vector<Row>{{"x", "1"}, {"y\r\nz", "2"}}));
  EXPECT_EQ(table.lines, (std::vector<std::int64_t>{2, 4}));
}

TEST_F(TableTest, TsvKnowsNoQuotes) {
  EXPECT_EQ(read("a.tsv", "text\tlabel\n\"open\t1\na\rb\t2\n").rows,
            (std::vector<Row>{{"\"open", "1"}, {"a\rb", "2"}}));
}

TEST_F(TableTest, EmptyFieldsAreKept) {
  EXPECT_EQ(read("a.tsv", "a\tb\tc\n\t\t\nx\t\ty\n").rows,
            (std::vector<Row>{{"", "", ""}, {"x", "", "y"}}));
  EXPECT_EQ(read("b.csv", "a\n\"\"\n\nx\n").rows, (std::vector<Row>{{""}, {"x"}}));
}

TEST_F(TableTest, TextTableHasTheGivenDelimiter) {
  EXPECT_EQ(read("a.txt", "text;label\nI am \"fine;joy\n", {.delimiter = ";"}).rows,
            (std::vector<Row>{{"I am \"fine", "joy"}}));
}

TEST_F(TableTest, WithoutAHeaderColumnsAreNumberedOrGiven) {
  EXPECT_EQ(read("a.csv", "x,1\n", {.header = false}).columns, (Row{"column1", "column2"}));
  const Table table = read("a.csv", "x,1\n", {.header = false, .columns = {"text", "label"}});
  EXPECT_EQ(table.columns, (Row{"text", "label"}));
  EXPECT_EQ(table.rows, (std::vector<Row>{{"x", "1"}}));
}

TEST_F(TableTest, JsonLinesKeepTheFirstObjectsOrderAndNumbersAsText) {
  const Table table =
      read("a.jsonl",
           "{\"z\": 1, \"a\": \"x\\ny\", \"f\": 0.5, \"n\": null, \"l\": [1, {}]}\n"
           "\n{\"a\": \"\\u00e9\", \"z\": -3, \"l\": true, \"n\": \"n\", \"f\": 1e3}");
  EXPECT_EQ(table.columns, (Row{"z", "a", "f", "n", "l"}));
  EXPECT_EQ(table.rows, (std::vector<Row>{{"1", "x\ny", "0.5", "", "[1,{}]"},
                                          {"-3", "\xC3\xA9", "1000.0", "n", "true"}}));
  EXPECT_EQ(table.lines, (std::vector<std::int64_t>{1, 3}));
}

TEST_F(TableTest, FormatCanBeGiven) {
  EXPECT_EQ(read("data", "a\tb\n1\t2\n", {.format = "tsv"}).rows, (std::vector<Row>{{"1", "2"}}));
}

TEST_F(TableTest, RowOfAnotherWidth) {
  EXPECT_EQ(error("a.csv", "a,b\n\"x\ny\",1\nz\n"),
            path("a.csv") + ":4: 1 field where the table has 2 columns");
  EXPECT_EQ(error("a.tsv", "a\n1\t2\t3\n"),
            path("a.tsv") + ":2: 3 fields where the table has 1 column");
  EXPECT_EQ(error("b.csv", "1,2\n", {.header = false, .columns = {"only"}}),
            path("b.csv") + ":1: 2 fields where the table has 1 column");
}

TEST_F(TableTest, BrokenQuotes) {
  EXPECT_EQ(error("a.csv", "a\nx\n\"open\nand on\n"),
            path("a.csv") + ":3: a quoted field is not closed");
  EXPECT_EQ(error("a.csv", "a\n\"x\" y\n"),
            path("a.csv") +
                ":2: text after a closing quote; a quote inside a quoted field is "
                "written twice");
}

TEST_F(TableTest, BrokenJsonLines) {
  EXPECT_EQ(error("a.jsonl", "{\"a\": 1}\n{\"a\": }\n"), path("a.jsonl") + ":2:7: not valid JSON");
  EXPECT_EQ(error("a.jsonl", "{\"a\": 1}\n[1]\n"), path("a.jsonl") + ":2: not a JSON object");
  EXPECT_EQ(error("a.jsonl", "{\"a\": 1}\n{\"b\": 1}\n"),
            path("a.jsonl") + ":2: has no 'a' (its keys: b)");
  EXPECT_EQ(error("a.jsonl", "{}\n"), path("a.jsonl") + ":1: the first object has no keys");
  EXPECT_EQ(
      error("a.jsonl", "{\"a\": 1}\n{\"a\": 1e400}\n"),
      path("a.jsonl") + ":2:7: the number 1e400 is beyond what a double holds; write it as a text");
  const std::string deep(1000000, '[');
  EXPECT_EQ(error("a.jsonl", "{\"a\": " + deep + std::string(deep.size(), ']') + "}\n"),
            path("a.jsonl") + ":1: nested too deeply");
}

TEST_F(TableTest, OnlyRegularFilesAreRead) {
  const auto pipe = folder_ / "a.tsv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_table(pipe, {}, "task.train"); }),
            "task.train: " + pipe.string() + ": is not a regular file");
  EXPECT_EQ(
      error("a.jsonl", "{\"a\": 1e999}\n"),
      path("a.jsonl") + ":1:7: the number 1e999 is beyond what a double holds; write it as a text");
}

TEST_F(TableTest, OtherDamage) {
  EXPECT_EQ(error("a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
            path("a.csv") +
                ": is a Git LFS pointer, not the file of 9 bytes that it stands for; run 'git lfs "
                "pull' in the folder's repository");
  EXPECT_EQ(error("a.csv", ""), path("a.csv") + ": the file is empty");
  EXPECT_EQ(error("a.jsonl", "\n"), path("a.jsonl") + ": the file is empty");
  EXPECT_EQ(error("a.csv", "a,b,a\n"), path("a.csv") + ":1: two columns are named 'a'");
  EXPECT_EQ(error("a.csv", "a\nx\ncaf\xE9\n"),
            path("a.csv") +
                ":3:4: not UTF-8 (byte 0xE9); say which encoding it has: latin-1, windows-1252 or "
                "utf-16");
}

TEST_F(TableTest, WhatTheConfigurationGotWrong) {
  EXPECT_EQ(error_of([&] { read_table(folder_ / "no.csv", {}, "task.train"); }),
            "task.train: no file " + path("no.csv"));
  EXPECT_EQ(error_of([&] { read_table(folder_.path(), {.format = "csv"}, "task.train"); }),
            "task.train: " + folder_.path().string() + ": is a folder, not a file");
  EXPECT_EQ(error("a.dat", ""), "task.train: cannot tell the format of " + path("a.dat") +
                                    " by its ending; give the format (csv, tsv, txt, jsonl, "
                                    "parquet or arrow)");
  EXPECT_EQ(error("a.csv", "", {.format = "cvs"}),
            "task.train: unknown table format 'cvs'; did you mean 'csv'? (known: auto, csv, tsv, "
            "txt, jsonl, parquet, arrow)");
  EXPECT_EQ(error("a.txt", "x"),
            "task.train: " + path("a.txt") + ": a table in a .txt file needs a delimiter");
  EXPECT_EQ(error("a.csv", "x", {.delimiter = ";;"}),
            "task.train: the delimiter of " + path("a.csv") + " must be one character, got ';;'");
}

TEST_F(TableTest, UnknownColumn) {
  const Table table = read("a.csv", "sentence,label\nx,1\n");
  EXPECT_EQ(table.column("label", "task.label"), 1U);
  EXPECT_EQ(error_of([&] { std::ignore = table.column("sentense", "task.text"); }),
            "task.text: " + path("a.csv") +
                " has no column 'sentense'; did you mean 'sentence'? "
                "(columns: sentence, label)");
}

TEST_F(TableTest, AMessageNamesNotThousandsOfColumns) {
  std::string header = "c0";
  for (int i = 1; i < 32; ++i) header += ",c" + std::to_string(i);
  const Table table = read("a.csv", header + "\n");
  EXPECT_EQ(error_of([&] { std::ignore = table.column("sentence", "task.text"); }),
            "task.text: " + path("a.csv") +
                " has no column 'sentence' (columns: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, "
                "c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, "
                "c27, c28, c29 and 2 more)");
}

// Readers that look each name up by going through all the others would need minutes for these.
TEST_F(TableTest, AHundredThousandColumns) {
  constexpr int kColumns = 150'000;
  std::string header = "c0";
  std::string object = "{\"c0\": 0";
  std::string backwards = "{";
  for (int i = 1; i < kColumns; ++i) {
    const std::string name = "c" + std::to_string(i);
    header += "\t" + name;
    object += ", \"" + name + "\": " + std::to_string(i);
  }
  for (int i = kColumns - 1; i > 0; --i) {
    backwards += "\"c" + std::to_string(i) + "\": " + std::to_string(-i) + ", ";
  }
  EXPECT_EQ(read("a.tsv", header + "\n").columns.size(), 150'000U);
  EXPECT_EQ(error("b.tsv", header + "\tc7\n"), path("b.tsv") + ":1: two columns are named 'c7'");
  const Table table = read("a.jsonl", object + "}\n" + backwards + "\"c0\": 0}\n");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.columns.at(149'999), "c149999");
  EXPECT_EQ(table.rows[0].at(149'999), "149999");
  EXPECT_EQ(table.rows[1].at(149'999), "-149999");
  const auto missing = error("c.jsonl", object + "}\n" + backwards + "\"d\": 1}\n");
  EXPECT_TRUE(missing.starts_with(path("c.jsonl") + ":2: has no 'c0' (its keys: c149999, "));
  EXPECT_TRUE(missing.ends_with(" and 149970 more)")) << missing.substr(0, 1000);
}

TEST_F(TableTest, ObjectsInCellsKeepTheirOrder) {
  std::string cell = "{";
  for (int i = 40; i > 0; --i) cell += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  cell += "\"a\":[1,{\"z\":1,\"b\":2}]}";
  const Table table = read("a.jsonl", "{\"x\": " + cell + ", \"y\": 1, \"y\": 2}\n");
  EXPECT_EQ(table.columns, (Row{"x", "y"}));
  EXPECT_EQ(table.rows.at(0), (Row{cell, "2"}));  // of two values of a key the last counts
}

TEST_F(TableTest, OtherKeysComeAndGo) {
  const TableOptions options = {.needed = {"text", "label"}};
  const Table table = read("a.jsonl",
                           "{\"text\": \"x\", \"label\": 1}\n"
                           "{\"extra\": 5, \"label\": 0, \"text\": \"y\"}\n",
                           options);
  EXPECT_EQ(table.columns, (Row{"text", "label"}));
  EXPECT_EQ(table.rows, (std::vector<Row>{{"x", "1"}, {"y", "0"}}));
  EXPECT_EQ(error("a.jsonl", "{\"text\": \"x\"}\n", options),
            path("a.jsonl") + ":1: has no 'label' (its keys: text)");
}

TEST_F(TableTest, KeysWithinObjectsAndListsOfTexts) {
  const TableOptions options = {.needed = {"review.body", "tokens", "stars"}, .joined = {"tokens"}};
  const Table table = read("a.jsonl",
                           "{\"review\": {\"body\": \"good\"}, \"tokens\": [\"a\", \"b\"], "
                           "\"stars\": 5}\n{\"review.body\": \"bad\", \"tokens\": [1], "
                           "\"stars\": [\"x\"]}\n"
                           "{\"review\": {\"body\": \"\"}, \"tokens\": [], \"stars\": []}\n",
                           options);
  EXPECT_EQ(table.rows,
            (std::vector<Row>{{"good", "a b", "5"}, {"bad", "[1]", "[\"x\"]"}, {"", "", "[]"}}));
}

TEST_F(TableTest, AJsonArrayOfObjects) {
  const Table table =
      read("a.json",
           "[\n {\"text\": \"a, ]\\\"b\", \"n\": [1, {\"k\": 2}]},\n\n {\"text\": \"c\",\n"
           "  \"n\": null}\n]\n");
  EXPECT_EQ(table.columns, (Row{"text", "n"}));
  EXPECT_EQ(table.rows, (std::vector<Row>{{"a, ]\"b", "[1,{\"k\":2}]"}, {"c", ""}}));
  EXPECT_EQ(table.lines, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(error("a.json", "[\n{\"a\": 1},\n{\"b\": 2}]"),
            path("a.json") + ":3: has no 'a' (its keys: b)");
  EXPECT_EQ(error("a.json", "[\n{\"a\": 1},\n{\"a\": "),
            path("a.json") + ":3: not valid JSON: the array is not closed");
  EXPECT_EQ(error("a.json", "[{\"a\": 1}] x"),
            path("a.json") + ":1: not valid JSON: text behind the array");
  EXPECT_EQ(error("a.json", "[1]"), path("a.json") + ":1: not a JSON object");
  EXPECT_EQ(error("a.json", "[]"), path("a.json") + ": the file is empty");
}

// printf 'text,label\nx,1\n' through gzip, xz, zstd and bzip2.
TEST_F(TableTest, CompressedFilesAreReadWhateverTheirName) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a.csv.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x49\xad\x28\xd1\xc9\x49\x4c"s +
                       "\x4a\xcd\xe1\xaa\xd0\x31\xe4\x02\x00\x58\xee\xe1\x5f\x0f\x00\x00\x00"s},
      {"a.csv.xz", "\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00"s +
                       "\x00\x00\x74\x2f\xe5\xa3\x01\x00\x0e\x74\x65\x78\x74\x2c\x6c\x61\x62\x65"s +
                       "\x6c\x0a\x78\x2c\x31\x0a\x00\x00\x5d\x81\xe3\x26\x4f\xd2\x12\xa4\x00\x01"s +
                       "\x27\x0f\xdf\x1a\xfc\x6a\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a"s},
      {"a.csv.zst", "\x28\xb5\x2f\xfd\x04\x58\x79\x00\x00\x74\x65\x78\x74\x2c\x6c\x61\x62\x65"s +
                        "\x6c\x0a\x78\x2c\x31\x0a\xce\xdf\x6d\xb0"s},
      {"a.csv.bz2",
       "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x7c\xa0\x00\xb8\x00\x00\x06\x59"s +
           "\x80\x00\x10\x00\x04\x20\x00\x32\x04\x04\x40\x20\x00\x31\x06\x4c\x41\x00"s +
           "\xc9\xea\x5b\x05\x8f\xb4\x4c\x8c\xf1\x77\x24\x53\x85\x09\x07\xca\x00\x0b"s + "\x80"s},
  };
  for (const auto& [name, bytes] : files) {
    EXPECT_EQ(read(name, bytes).rows, (std::vector<Row>{{"x", "1"}})) << name;
    EXPECT_EQ(read("b.csv", bytes).rows, (std::vector<Row>{{"x", "1"}})) << name;
    for (std::size_t left = 10; left < bytes.size(); ++left) {
      const auto said = error(name, bytes.substr(0, left));
      EXPECT_TRUE(
          said.starts_with(path(name) + ": a compressed file that is damaged, or cut short"))
          << left << " bytes of " << name << ": " << said;
    }
  }
}

TEST_F(TableTest, OtherEncodingsByTheirName) {
  EXPECT_EQ(read("a.csv", "t\ncaf\xE9\n", {.encoding = "latin-1"}).rows,
            (std::vector<Row>{{"caf\xC3\xA9"}}));
  EXPECT_EQ(read("a.csv", "t\n\x93so\x94 \x80\n", {.encoding = "windows-1252"}).rows,
            (std::vector<Row>{{"\xE2\x80\x9Cso\xE2\x80\x9D \xE2\x82\xAC"}}));
  EXPECT_EQ(error("a.csv", "t\nab\x81\n", {.encoding = "windows-1252"}),
            path("a.csv") + ":2:3: byte 0x81 is no character of windows-1252");
  using namespace std::string_literals;
  const auto little = "\xFF\xFEt\0\n\0\xE9\0\x3D\xD8\x00\xDE\n\0"s;
  EXPECT_EQ(read("a.csv", little, {.encoding = "utf-16"}).rows,
            (std::vector<Row>{{"\xC3\xA9\xF0\x9F\x98\x80"}}));
  EXPECT_EQ(read("a.csv", "\xFE\xFF\0t\0\n\0x"s, {.encoding = "utf-16"}).rows,
            (std::vector<Row>{{"x"}}));
  EXPECT_EQ(error("a.csv", little), path("a.csv") + ": is UTF-16; say encoding: utf-16");
  EXPECT_EQ(error("a.csv", "\xFF\xFEt\0\n\0\x00\xDE"s, {.encoding = "utf-16"}),
            path("a.csv") + ":2:1: not UTF-16: the second half of a character alone");
  EXPECT_EQ(error("a.csv", "t", {.encoding = "latin1"}),
            "task.train: unknown encoding 'latin1'; did you mean 'latin-1'? (known: utf-8, "
            "latin-1, windows-1252, utf-16)");
}

TEST_F(TableTest, CarriageReturnsAloneAreLineEnds) {
  EXPECT_EQ(read("a.csv", "text,label\rx,1\ry,2\r").rows,
            (std::vector<Row>{{"x", "1"}, {"y", "2"}}));
}

TEST_F(TableTest, TheLastOfGivenColumnsIsTheRestOfATextLine) {
  const TableOptions options = {.delimiter = " ", .columns = {"label", "text"}};
  EXPECT_EQ(read("a.txt", "DESC:manner How did it go ?\nNUM:date When ?\n", options).rows,
            (std::vector<Row>{{"DESC:manner", "How did it go ?"}, {"NUM:date", "When ?"}}));
  EXPECT_EQ(read("a.text", "pos\tone\ttwo\n", {.delimiter = "\t", .columns = {"l", "t"}}).rows,
            (std::vector<Row>{{"pos", "one\ttwo"}}));
  EXPECT_EQ(error("a.txt", "DESC\n", options),
            path("a.txt") + ":1: 1 field where the table has 2 columns");
}

TEST_F(TableTest, LinesOfAFileEmptyOnesToo) {
  EXPECT_EQ(read_lines(folder_.write("a.txt", "one\r\n\ntwo"), "utf-8", "task.train"),
            (Row{"one", "", "two"}));
}

TEST_F(TableTest, APatternStandsForTheFilesThatFit) {
  folder_.write("part-2.jsonl", "");
  folder_.write("part-1.jsonl", "");
  folder_.write("[odd].jsonl", "");
  const auto expand = [&](const std::string& name) {
    std::string names;
    for (const auto& file : expand_files({folder_ / name}, "task.train")) {
      names += file.filename().string() + " ";
    }
    return names;
  };
  EXPECT_EQ(expand("part-*.jsonl"), "part-1.jsonl part-2.jsonl ");
  EXPECT_EQ(expand("[odd].jsonl"), "[odd].jsonl ");
  EXPECT_EQ(expand("other.jsonl"), "other.jsonl ");
  EXPECT_EQ(error_of([&] { expand("other-*"); }), "task.train: no file fits " + path("other-*"));
}

TEST_F(TableTest, AFolderOrASplitStandsForItsParts) {
  const auto expand = [&](const std::string& name) {
    std::string names;
    for (const auto& file : expand_files({folder_ / name}, "task.train")) {
      names += file.filename().string() + " ";
    }
    return names;
  };
  for (const char* name :
       {"default/train/0001.parquet", "default/train/0000.parquet", "default/train/notes.txt",
        "data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet",
        "data/dev-00000-of-00001.parquet", "data/test-00001-of-00002.parquet",
        "part/train-00000-of-00002.parquet", "saved/data-00000-of-00001.arrow", "saved/state.json",
        "saved/cache-0f.arrow", "lines/a.jsonl"}) {
    folder_.write(name, "");
  }
  EXPECT_EQ(expand("default/train"), "0000.parquet 0001.parquet ");
  EXPECT_EQ(expand("data/train"), "train-00000-of-00002.parquet train-00001-of-00002.parquet ");
  EXPECT_EQ(expand("data/dev"), "dev-00000-of-00001.parquet ");
  EXPECT_EQ(expand("data/tra"), "tra ");
  EXPECT_EQ(expand("saved"), "data-00000-of-00001.arrow ");
  EXPECT_EQ(error_of([&] { expand("data"); }),
            "task.train: " + path("data") +
                " holds more than one split (dev-00000-of-00001.parquet and "
                "test-00001-of-00002.parquet); name the files of one, or a pattern");
  EXPECT_EQ(error_of([&] { expand("data/test"); }),
            "task.train: " + path("data/test") +
                ": 1 of its 2 parts are there, such as test-00001-of-00002.parquet");
  EXPECT_EQ(error_of([&] { expand("part"); }),
            "task.train: " + path("part") +
                ": 1 of its 2 parts are there, such as train-00000-of-00002.parquet");
  EXPECT_EQ(error_of([&] { expand("lines"); }),
            "task.train: " + path("lines") +
                " is a folder without Parquet or Arrow files; name files, or a pattern such as " +
                path("lines/*.jsonl"));
}

TEST_F(TableTest, StrippingTakesUnicodesSpacesOffBothEnds) {
  EXPECT_EQ(stripped(" \t\xC2\xA0"
                     "a b\xE3\x80\x80\r\n"),
            "a b");
  EXPECT_EQ(stripped("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(stripped("  "), "");
}

TEST_F(TableTest, PlainText) {
  EXPECT_EQ(read_text(folder_.write("a.txt", "\xEF\xBB\xBFone\r\ntwo"), "task.train"),
            "one\r\ntwo");
  EXPECT_EQ(error_of([&] { read_text(folder_.write("b.txt", "a\n\xFF"), "task.train"); }),
            path("b.txt") +
                ":2:1: not UTF-8 (byte 0xFF); say which encoding it has: latin-1, windows-1252 or "
                "utf-16");
}

}  // namespace
}  // namespace mvn
