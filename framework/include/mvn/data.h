// Readers of the files that people keep data sets in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mvn/params.h"

namespace mvn {

// Rows of named columns. A cell remembers nothing of its quoting; numbers are their text.
struct Table {
  std::filesystem::path path;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as `columns`
  std::vector<std::int64_t> lines;             // line of the file on which each row starts, from 1

  // Index of column `name`; throws ConfigError(key) naming the file, the nearest and all columns.
  [[nodiscard]] std::size_t column(const std::string& name, const std::string& key) const;
};

// How to read a table. Values outside a file's own nature are ConfigErrors.
struct TableOptions {
  // csv, tsv, txt, jsonl, parquet, arrow; "auto" goes by the ending (before .gz, .xz, .zst, .bz2):
  // .csv, .tsv, .jsonl/.json/.ndjson, .parquet, .arrow/.feather, and .txt/.text, a table like TSV
  // with the `delimiter` given.
  std::string format = "auto";
  std::string delimiter = {};  // one character; empty: the format's own
  bool header = true;  // all but JSON: the first line names the columns, unless `columns` do
  // Names where there is no header ("column1", ... if empty). In a .txt file the last of them is
  // the rest of the line, delimiters and all.
  std::vector<std::string> columns = {};
  std::string encoding = "utf-8";  // or latin-1, windows-1252, utf-16
  // JSON: the columns that every object has to have; other keys come and go. A name with dots is
  // looked up within objects where no key is called so. Empty: all keys of the first object.
  // Parquet and Arrow: the columns that are read, in none of which anything may be null.
  std::vector<std::string> needed = {};
  // JSON, Parquet, Arrow: columns in which a list of texts is one text, joined by spaces.
  std::vector<std::string> joined = {};
};

// The file's ending in small letters, that of a compressed one left out: "train.CSV.gz" -> ".csv".
std::string data_ending(const std::filesystem::path& path);

// The options that a task's parameters `format`, `delimiter`, `header`, `columns` and `encoding`
// say.
TableOptions table_options(const Params& params);
// The declarations of these parameters.
std::vector<ParamSpec> table_params();

// CSV (RFC 4180: quoted fields may hold delimiters, line ends and doubled quotes), TSV (no quoting:
// a tab or a line end always separates), JSON Lines (an object a line) or a JSON array of objects
// (a cell that is not a text is its JSON, null is empty). All may be compressed by gzip, xz,
// Zstandard or bzip2, whatever their name. Parquet and Arrow files (IPC files or streams, as
// `datasets` keeps them) hold what JSON Lines of them would; numbers of classes are the names that
// `datasets` gives them in the file, `lines` the rows. Where a needed column is not there, the
// table has all columns' names and no rows. A byte order mark and CRLF line ends are accepted, or
// CR alone throughout, a last line without an end too; empty lines are skipped. Throws DataError
// "file:line:
// ..." for a row of another width, an open quote, what is not an object, an object without a needed
// key, or bytes that are no text; ConfigError(key) when the file does not exist.
Table read_table(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key);

// The lines of a plain text file, empty ones too. Errors as read_table.
std::vector<std::string> read_lines(const std::filesystem::path& path, const std::string& encoding,
                                    const std::string& key);

// The whole text of a plain text file. Errors as read_table.
std::string read_text(const std::filesystem::path& path, const std::string& key,
                      const std::string& encoding = "utf-8");

// A text without the spaces at its ends: those that Python's str.strip() takes off.
std::string stripped(const std::string& text);

// The files that a list of paths stands for, each sorted by name: one with * ? or [ in it that
// names no file stands for all that fit; a folder for the Parquet files in it, else the Arrow
// files; `train` for train-00000-of-00002.parquet and its like where nothing is called so. Throws
// ConfigError(key) where there are none, a part is missing, or a folder holds several splits.
std::vector<std::filesystem::path> expand_files(const std::vector<std::filesystem::path>& paths,
                                                const std::string& key);

}  // namespace mvn
