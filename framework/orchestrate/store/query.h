// `mvn-runner query`: one SQL statement on results.db, which it cannot change.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "orchestrate/store/table.h"

namespace mvn {

struct QueryOptions {
  RowFormat format = RowFormat::kTable;
  std::optional<std::size_t> width;  // of the table; nullopt: as wide as its contents
};

// Runs `sql` and writes its rows to `out`. Stops, without an error, when `out` does (`| head`).
// Throws ConfigError for what is wrong with the statement (it writes, it is several, an unknown
// name: with the nearest known one), Error when there is no database.
void run_query(const std::filesystem::path& database, const std::string& sql,
               const QueryOptions& options, std::ostream& out);

// The views and their columns, one view a line: what there is to query.
void list_views(const std::filesystem::path& database, std::ostream& out);

}  // namespace mvn
