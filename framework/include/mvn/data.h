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
  // csv, tsv, txt, jsonl; "auto" goes by the ending: .csv, .tsv, .jsonl/.json/.ndjson, and .txt,
  // a table like TSV with the `delimiter` given.
  std::string format = "auto";
  std::string delimiter = {};  // one character; empty: the format's own
  bool header = true;          // CSV and TSV: the first line names the columns
  std::vector<std::string> columns =
      {};  // names where there is no header ("column1", ... if empty)
};

// The options that a task's parameters `format`, `delimiter`, `header` and `columns` say.
TableOptions table_options(const Params& params);

// CSV (RFC 4180: quoted fields may hold delimiters, line ends and doubled quotes), TSV (no quoting:
// a tab or a line end always separates), JSON Lines (an object a line; the columns are the first
// object's keys; a cell that is not a text is its JSON, null is empty). A UTF-8 byte order mark and
// CRLF line ends are accepted, a last line without an end too; empty lines are skipped. Throws
// DataError "file:line: ..." for a row of another width, an open quote, a line that is not an
// object, or bytes that are not UTF-8; ConfigError(key) when the file does not exist.
Table read_table(const std::filesystem::path& path, const TableOptions& options,
                 const std::string& key);

// The whole text of a plain UTF-8 file. Errors as read_table.
std::string read_text(const std::filesystem::path& path, const std::string& key);

}  // namespace mvn
