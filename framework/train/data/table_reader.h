// What the readers of the several table formats share.
#pragma once

#include <string_view>

#include "mvn/data.h"

namespace mvn {

// The grammar of one delimited format.
struct Dialect {
  char delimiter = ',';
  bool quoting = true;  // RFC 4180's quotes; without it a delimiter always separates
};

// Each fills `table.columns`, `rows` and `lines` from `text`, the content of `table.path` (valid
// UTF-8, without a byte order mark). Throws DataError "file:line: ...".
void parse_delimited(std::string_view text, const Dialect& dialect, const TableOptions& options,
                     Table& table);
void parse_json_lines(std::string_view text, Table& table);

// Throws DataError "file:line: message".
[[noreturn]] void fail_at_line(const Table& table, std::int64_t line, const std::string& message);

// "1 field", "2 fields".
std::string count_of(std::size_t count, const std::string& noun);

}  // namespace mvn
