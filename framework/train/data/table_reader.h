// What the readers of the several table formats share.
#pragma once

#include <string_view>

#include "mvn/data.h"

namespace mvn {

// The grammar of one delimited format.
struct Dialect {
  char delimiter = ',';
  bool quoting = true;        // RFC 4180's quotes; without it a delimiter always separates
  bool last_is_rest = false;  // the last column is the rest of the line, delimiters and all
};

// Each fills `table.columns`, `rows` and `lines` from `text`, the content of `table.path` (valid
// UTF-8, without a byte order mark). Throws DataError "file:line: ...".
void parse_delimited(std::string_view text, const Dialect& dialect, const TableOptions& options,
                     Table& table);
// An object a line, or an array of objects.
void parse_json(std::string_view text, const TableOptions& options, Table& table);

// Throws DataError "file:line: message".
[[noreturn]] void fail_at_line(const Table& table, std::int64_t line, const std::string& message);

// "1 field", "2 fields".
std::string count_of(std::size_t count, const std::string& noun);

}  // namespace mvn
