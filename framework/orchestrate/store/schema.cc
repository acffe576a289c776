#include "orchestrate/store/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

#include "common/hashing.h"
#include "mvn/error.h"
#include "orchestrate/store/run_views.h"

namespace mvn {
namespace {

int pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

void check_owner(SQLite::Database& database) {
  const int owner = pragma(database, "application_id");
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (owner == kApplicationId || (owner == 0 && empty)) return;
  throw Error(database.getFilename() +
              ": a database of another program; give another folder with --results");
}

void check_version(const SQLite::Database& database, std::size_t version) {
  const std::size_t newest = schema_migrations().size();
  if (version <= newest) return;
  throw Error(database.getFilename() + ": written by a newer mvn-runner (schema " +
              std::to_string(version) + "; this one, " MVN_VERSION ", knows up to " +
              std::to_string(newest) + "); use that version, or another folder with --results");
}

void drop_views(SQLite::Database& database) {
  std::vector<std::string> names;
  SQLite::Statement query(database, "SELECT name FROM sqlite_schema WHERE type = 'view'");
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  query.reset();
  for (const auto& name : names) database.exec("DROP VIEW \"" + name + "\"");
}

std::string views_hash() { return sha256(schema_views()); }

// Whether they are those of views.sql, which may change without a migration.
bool has_views_of_now(SQLite::Database& database) {
  const auto known =
      database.execAndGet("SELECT count(*) FROM sqlite_schema WHERE name = 'mvn_views'").getInt();
  return known > 0 && database.execAndGet("SELECT hash FROM mvn_views").getString() == views_hash();
}

}  // namespace

void migrate(SQLite::Database& database) {
  check_owner(database);
  const auto version = static_cast<std::size_t>(pragma(database, "user_version"));
  check_version(database, version);
  const auto& migrations = schema_migrations();
  if (version == migrations.size() && has_views_of_now(database)) return;
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  drop_views(database);
  for (std::size_t i = version; i < migrations.size(); ++i) {
    database.exec(std::string(migrations[i]));
  }
  database.exec(std::string(schema_views()));
  database.exec("CREATE VIEW mvn_views AS SELECT '" + views_hash() + "' AS hash");
  make_all_run_views(database);
  database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version = " + std::to_string(migrations.size()));
  transaction.commit();
}

}  // namespace mvn
