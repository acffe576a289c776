// The schema of results.db: numbered migrations, and the views, which are made anew whenever their
// text has changed.
#pragma once

#include <string_view>
#include <vector>

namespace SQLite {
class Database;
}

namespace mvn {

// "mvnr": what `PRAGMA application_id` of a results database says.
inline constexpr int kApplicationId = 0x6d766e72;

// The SQL files of schema/, embedded at build time. Migration i (from 1) is
// schema_migrations()[i - 1]; a database's `PRAGMA user_version` counts those applied.
const std::vector<std::string_view>& schema_migrations();
std::string_view schema_views();

// Brings the database to the newest schema, in one transaction. Throws Error when it belongs to
// another program or to a newer version of this one.
void migrate(SQLite::Database& database);

}  // namespace mvn
