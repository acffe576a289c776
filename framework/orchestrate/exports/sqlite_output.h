// A SQLite database that is written once, in one go.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace mvn {

// Throws Error or DiskFull, which name the file. Without finish() it is good for nothing.
class SqliteOutput {
 public:
  // `schema` is a script of statements.
  SqliteOutput(const std::filesystem::path& path, const char* schema);

  // Runs a statement, which has to be a literal, and returns the row that it inserted.
  template <typename... Values>
  std::int64_t insert(const char* sql, const Values&... values) {
    try {
      SQLite::Statement& statement = prepared(sql);
      int index = 0;
      (bind(statement, ++index, values), ...);
      statement.exec();
      statement.reset();
      return connection_.getLastInsertRowid();
    } catch (const SQLite::Exception& error) {
      fail(error);
    }
  }

  // `last` is a script, too.
  void finish(const char* last = "");

 private:
  SQLite::Statement& prepared(const char* sql);
  [[noreturn]] void fail(const SQLite::Exception& error) const;

  static void bind(SQLite::Statement& statement, int index, std::nullptr_t) {
    statement.bind(index);
  }
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
  std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;  // by address
};

}  // namespace mvn
