// The whole schema of a fresh database as one text: results/schema.sql.
#pragma once

#include <string>

namespace mvn {

// Tables, indexes and views as SQLite has them, each below the comments that the files of schema/
// give it, and the rows that a fresh database holds. Run by any SQLite it makes a database that
// mvn-runner takes for its own.
std::string schema_text();

}  // namespace mvn
