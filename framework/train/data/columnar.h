// Tables that lie column by column, Parquet and Arrow files: what libmvn_arrow.so, the one thing
// that links Apache Arrow, offers. It is opened when the first such file is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mvn/data.h"

namespace mvn {

enum class ColumnarForm { kParquet, kArrow };

struct ColumnarRequest {
  std::filesystem::path path;
  ColumnarForm form = ColumnarForm::kParquet;
  std::vector<std::string> needed;  // as TableOptions has them
  std::vector<std::string> joined;
};

struct ColumnarFault {
  std::string message;
  std::int64_t row = 0;  // from 1; 0: the file as a whole
};

// `mvn_read_columnar` of libmvn_arrow.so. Fills `columns`, `rows` and `lines` (rows, from 1) and
// returns true, or says what is wrong. Where a needed column is not there, `columns` are all that
// are, and there are no rows.
using ReadColumnar = bool (*)(const ColumnarRequest& request, Table& table, ColumnarFault& fault);

// Reads such a file through the library. Throws DataError "file:row: ..." or "file: ...", and
// ConfigError(key) where there is no such file or no library.
void read_columnar(const ColumnarRequest& request, Table& table, const std::string& key);

// By a file's first bytes; nothing of another kind, or where it cannot be read.
bool begins_as_parquet(const std::filesystem::path& path);
bool begins_as_arrow_file(const std::filesystem::path& path);

}  // namespace mvn
