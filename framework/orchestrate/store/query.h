// `mvn-runner query`: one SQL statement on results.db, which it cannot change.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <string>

#include "orchestrate/store/table.h"

namespace mvn {

struct QueryOptions {
  RowFormat format = RowFormat::kTable;
  std::optional<std::size_t> width;  // of the table; nullopt: as wide as its contents
  // Values of the statement's parameters by name, without ':'. A text that is a number is one.
  std::map<std::string, std::string> parameters = {};
};

// The SQL of what a user asks for: that of a ready query or of a whole view by its name, or `text`
// itself. Throws ConfigError with the nearest name where it is one word and neither.
std::string sql_of(const std::filesystem::path& database, const std::string& text);

// Runs `sql` and writes its rows to `out`. Stops, without an error, when `out` does (`| head`).
// Throws ConfigError for what is wrong with the statement (it writes, it is several, an unknown
// name: with the nearest known one) and for parameters that it does not have, Error when there is
// no database. Parameters without a value are NULL.
void run_query(const std::filesystem::path& database, const std::string& sql,
               const QueryOptions& options, std::ostream& out);

// What there is to ask: the views and their columns, one view a line, then the ready queries.
void list_questions(const std::filesystem::path& database, RowFormat format, std::ostream& out);

}  // namespace mvn
