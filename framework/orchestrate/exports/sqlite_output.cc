#include "orchestrate/exports/sqlite_output.h"

#include <sqlite3.h>

#include "common/disk_full.h"

namespace mvn {

SqliteOutput::SqliteOutput(const std::filesystem::path& path, const char* schema)
    : path_(path), connection_(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {
  try {
    // Whoever is interrupted begins anew: nothing has to be undone.
    connection_.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
    connection_.exec("PRAGMA cache_size = -32768");  // KiB
    connection_.exec("BEGIN");
    connection_.exec(schema);
  } catch (const SQLite::Exception& error) {
    fail(error);
  }
}

void SqliteOutput::finish(const char* last) {
  try {
    statements_.clear();
    connection_.exec(last);
    connection_.exec("COMMIT");
  } catch (const SQLite::Exception& error) {
    fail(error);
  }
}

SQLite::Statement& SqliteOutput::prepared(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(connection_, sql);
  return *statement;
}

void SqliteOutput::fail(const SQLite::Exception& error) const {
  if (error.getErrorCode() == SQLITE_FULL) {
    throw DiskFull(path_.string() + ": cannot write: the disk is full");
  }
  throw Error(path_.string() + ": cannot write: " + error.what());
}

}  // namespace mvn
