// Rows of a query as JSON. Private to the page.
#pragma once

#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

// NaN and infinities as the texts that number_to_json() makes of them.
inline Json json_of(const SQLite::Column& value) {
  if (value.isNull()) return nullptr;
  if (value.isInteger()) return value.getInt64();
  if (value.isFloat()) return number_to_json(value.getDouble());
  return value.getString();
}

// By the names of the columns.
inline Json object_of(SQLite::Statement& row) {
  Json object = Json::object();
  for (int i = 0; i < row.getColumnCount(); ++i) {
    object[row.getColumnName(i)] = json_of(row.getColumn(i));
  }
  return object;
}

// `sql` has to be a literal.
template <typename... Values>
Json rows_of(Database& db, const char* sql, const Values&... values) {
  Json rows = Json::array();
  db.each(
      sql, [&](SQLite::Statement& row) { rows.push_back(object_of(row)); }, values...);
  return rows;
}

}  // namespace mvn
