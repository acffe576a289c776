#include "orchestrate/store/schema_text.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <regex>
#include <sstream>
#include <vector>

#include "orchestrate/store/run_views.h"
#include "orchestrate/store/schema.h"

namespace mvn {
namespace {

constexpr const char* kHead =
    "-- The schema of results.db: what a fresh database of this version of mvn-runner holds.\n"
    "-- People query the views, which come last; docs/results.md explains them.\n"
    "-- Made by 'mvn-runner db schema', not written by hand.\n";

// Comments by what they stand above: "mvn_trial", or of a column that came later "mvn_trial.draw".
class Comments {
 public:
  Comments() {
    for (const auto& migration : schema_migrations()) read(migration);
    read(schema_metric_kind());
    read(schema_views());
  }

  [[nodiscard]] std::string of(const std::string& name) const {
    const auto found = comments_.find(name);
    return found == comments_.end() ? "" : found->second;
  }

  // Of the columns that a table gained.
  [[nodiscard]] std::string of_columns(const std::string& table) const {
    std::string text;
    for (const auto& [name, comment] : comments_) {
      const std::string prefix = table + ".";
      if (!name.starts_with(prefix)) continue;
      text.append("-- Column ").append(name.substr(prefix.size())).append(":\n").append(comment);
    }
    return text;
  }

 private:
  void read(std::string_view sql) {
    std::istringstream lines{std::string(sql)};
    std::string comment;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("--")) {
        comment += line + "\n";
        continue;
      }
      const auto subject = subject_of(line);
      if (!subject.empty() && !comment.empty()) comments_.try_emplace(subject, comment);
      comment.clear();
    }
  }

  // "CREATE TABLE mvn_trial (", "ALTER TABLE mvn_trial ADD COLUMN draw INTEGER"
  static std::string subject_of(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string kind;
    std::string name;
    words >> verb >> kind >> name;
    if (verb == "CREATE") return name;
    std::string add;
    std::string column_word;
    std::string column;
    words >> add >> column_word >> column;
    return verb == "ALTER" && add == "ADD" ? name + "." + column : "";
  }

  std::map<std::string, std::string> comments_;
};

// ALTER TABLE puts a column in the middle of a line, before the comment on the last one that was
// there: it gets a line of its own.
std::string with_columns_apart(std::string sql) {
  static const std::regex kAdded("\n(  [^\n]*?), ([a-z_]+ (?:INTEGER|TEXT)[^,\n]*)(,[^\n]*)");
  std::smatch found;
  std::string text;
  while (std::regex_search(sql, found, kAdded)) {
    text.append(found.prefix()).append("\n").append(found[1]).append(found[3]);
    text.append("\n  ").append(found[2]).append(",");
    sql = found.suffix().str();
  }
  return text + sql;
}

// The literal that SQLite reads as the value.
std::string literal(const SQLite::Column& value) {
  if (value.isNull()) return "NULL";
  return value.isText() ? quoted(value.getString(), '\'') : value.getString();
}

// The rows that a table is made with.
std::string rows_of(SQLite::Database& db, const std::string& table) {
  SQLite::Statement query(db, "SELECT * FROM " + quoted(table, '"'));
  const std::string head = "INSERT INTO " + table + " VALUES\n  (";
  std::string text;
  while (query.executeStep()) {
    text += text.empty() ? head : ",\n  (";
    for (int i = 0; i < query.getColumnCount(); ++i) {
      text.append(i > 0 ? ", " : "").append(literal(query.getColumn(i)));
    }
    text += ")";
  }
  return text.empty() ? "" : text + ";\n";
}

}  // namespace

std::string schema_text() {
  SQLite::Database db(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  migrate(db);
  const Comments comments;
  std::string text = kHead;
  // A migration that makes a table anew puts it behind younger ones: by kind and name, then, but
  // for the views, which need those before them.
  SQLite::Statement query(db,
                          "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
                          " ORDER BY type = 'view', iif(type = 'view', rowid, 0), tbl_name,"
                          " type = 'index', name");
  while (query.executeStep()) {
    const auto name = query.getColumn(1).getString();
    const bool table = query.getColumn(0).getString() == "table";
    text.append("\n").append(comments.of(name));
    if (table) text += comments.of_columns(name);
    const auto sql = query.getColumn(2).getString();
    text.append(table ? with_columns_apart(sql) : sql).append(";\n");
    if (table) text += rows_of(db, name);
  }
  for (const char* pragma : {"application_id", "user_version"}) {
    const auto value = db.execAndGet(std::string("PRAGMA ") + pragma).getString();
    text.append("\nPRAGMA ").append(pragma).append(" = ").append(value).append(";");
  }
  return text + "\n";
}

}  // namespace mvn
