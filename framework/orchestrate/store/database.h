// A connection to results.db with its prepared statements. Private to the store and the answers.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/json.h"
#include "mvn/error.h"

namespace mvn {

enum class Access { kRead, kWrite };

// Not thread-safe. SQLite's own exceptions come out of it: see translate_errors().
class Database {
 public:
  // kWrite creates or migrates the database and makes it WAL (a rollback journal on a network file
  // system, where WAL is not safe). kRead never changes it and never checkpoints.
  Database(const std::filesystem::path& path, Access access);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  SQLite::Database& connection() { return connection_; }

  // The prepared statement of `sql`, which has to be a literal, reset and ready to be bound.
  SQLite::Statement& statement(const char* sql);

  // Runs a statement that returns no rows.
  template <typename... Values>
  void run(const char* sql, const Values&... values) {
    SQLite::Statement& statement = bound(sql, values...);
    statement.exec();
    statement.reset();
  }

  // Calls `row(statement)` for each row of the result.
  template <typename Row, typename... Values>
  void each(const char* sql, Row row, const Values&... values) {
    SQLite::Statement& statement = bound(sql, values...);
    while (statement.executeStep()) row(statement);
    statement.reset();
  }

  // The JSON in a column of a row. Throws DataError naming the column: a database may come from
  // anywhere.
  [[nodiscard]] Json json(const SQLite::Statement& row, int column) const;

  // The first column of the first row as an integer.
  template <typename... Values>
  std::optional<std::int64_t> integer(const char* sql, const Values&... values) {
    SQLite::Statement& statement = bound(sql, values...);
    std::optional<std::int64_t> result;
    if (statement.executeStep() && !statement.isColumnNull(0)) {
      result = statement.getColumn(0).getInt64();
    }
    statement.reset();
    return result;
  }
  // The same where there must be one; throws Error otherwise.
  template <typename... Values>
  std::int64_t known_integer(const char* sql, const Values&... values) {
    if (const auto result = integer(sql, values...)) return *result;
    throw Error(path_.string() + ": no row for: " + sql);
  }

 private:
  template <typename... Values>
  SQLite::Statement& bound(const char* sql, const Values&... values) {
    SQLite::Statement& statement = this->statement(sql);
    int index = 0;
    (bind(statement, ++index, values), ...);
    return statement;
  }

  static void bind(SQLite::Statement& statement, int index, std::nullptr_t) {
    statement.bind(index);
  }
  // true and false as 1 and 0, lists and objects as their JSON.
  static void bind(SQLite::Statement& statement, int index, const Json& value);
  template <typename T>
  static void bind(SQLite::Statement& statement, int index, const std::optional<T>& value) {
    value ? statement.bind(index, *value) : statement.bind(index);
  }
  template <typename T>
  static void bind(SQLite::Statement& statement, int index, const T& value) {
    statement.bind(index, value);
  }

  std::filesystem::path path_;
  SQLite::Database connection_;
  // By address: the same literal may be cached twice, which costs nothing.
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
};

// The mvn::Error for what SQLite reported about the database at `path`: says what to do about it.
[[noreturn]] void throw_translated(const std::filesystem::path& path,
                                   const SQLite::Exception& error);

// Runs `action`, turning SQLite's exceptions into mvn::Error.
template <typename Action>
auto translate_errors(const std::filesystem::path& path, Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const SQLite::Exception& error) {
    throw_translated(path, error);
  }
}

}  // namespace mvn
