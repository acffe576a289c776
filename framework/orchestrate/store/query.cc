#include "orchestrate/store/query.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "common/printable.h"
#include "common/text.h"
#include "mvn/error.h"
#include "mvn/nearest.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/ready_queries.h"
#include "orchestrate/store/run_views.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// While it lives, writing to a closed pipe is an error of the stream and not the end of us.
class PipesMayClose {
 public:
  PipesMayClose() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  PipesMayClose(const PipesMayClose&) = delete;
  PipesMayClose& operator=(const PipesMayClose&) = delete;
  ~PipesMayClose() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

std::unique_ptr<Database> open_results(const fs::path& path) {
  if (!fs::exists(path)) {
    throw Error(fs::absolute(path).lexically_normal().string() +
                ": no such database; run a sweep first ('mvn-runner SWEEP.yaml'), or name its "
                "folder with --results");
  }
  return std::make_unique<Database>(path, Access::kRead);
}

std::vector<std::string> names_of(Database& db, const char* kind) {
  std::vector<std::string> names;
  db.each(
      "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
      " ORDER BY name",
      [&](SQLite::Statement& row) { names.push_back(row.getColumn(0).getString()); },
      std::string(kind));
  return names;
}

bool is_ours(const std::string& view) { return view.starts_with("mvn_"); }

// Those that people query.
std::vector<std::string> public_views(Database& db) {
  auto views = names_of(db, "view");
  std::erase_if(views, is_ours);
  return views;
}

std::vector<std::string> columns_of(Database& db, const std::string& table) {
  std::vector<std::string> columns;
  db.each(
      "SELECT name FROM pragma_table_info(?)",
      [&](SQLite::Statement& row) { columns.push_back(row.getColumn(0).getString()); }, table);
  return columns;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool mentions(const std::string& sql, const std::string& name) {
  const auto is_part = [&](std::size_t i) {
    return i < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[i])) || sql[i] == '_');
  };
  for (std::size_t at = sql.find(name); at != sql.npos; at = sql.find(name, at + 1)) {
    if ((at == 0 || !is_part(at - 1)) && !is_part(at + name.size())) return true;
  }
  return false;
}

// What `sql` may have meant by an unknown column: those of the views and tables it names, or of
// all views where it names none.
std::vector<std::string> candidate_columns(Database& db, const std::string& sql) {
  auto tables = names_of(db, "view");
  const auto views = tables;
  std::ranges::copy(names_of(db, "table"), std::back_inserter(tables));
  std::erase_if(tables, [&](const std::string& name) { return !mentions(sql, name); });
  std::vector<std::string> columns;
  for (const auto& table : tables.empty() ? views : tables) {
    std::ranges::copy(columns_of(db, table), std::back_inserter(columns));
  }
  return columns;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

[[noreturn]] void throw_unknown(Database& db, const std::string& kind, const std::string& name,
                                const std::vector<std::string>& candidates) {
  throw ConfigError("", "no " + kind + " is called '" + name + "'" +
                            did_you_mean(name, candidates) +
                            " (views: " + joined(public_views(db)) + ")");
}

// A parameter is a column of its sweep's view by its dotted name, which needs quotes.
void throw_dotted(Database& db, const std::string& name) {
  const std::string last = name.substr(name.rfind('.') + 1);
  for (const auto& view : public_views(db)) {
    if (!view.starts_with("runs_")) continue;
    for (const auto& column : columns_of(db, view)) {
      if (column.find('.') == column.npos) continue;
      if (column != name && !column.ends_with("." + last)) continue;
      throw ConfigError("", "no column is called '" + name + "' here; the view " + view +
                                " has it as " + quoted(column, '"') + ", in these quotes");
    }
  }
}

[[noreturn]] void throw_bad_sql(Database& db, const std::string& sql) {
  sqlite3* handle = db.connection().getHandle();
  const std::string message = ::sqlite3_errmsg(handle);
  const int offset = ::sqlite3_error_offset(handle);
  constexpr std::string_view kNoTable = "no such table: ";
  constexpr std::string_view kNoColumn = "no such column: ";
  if (message.starts_with(kNoTable)) {
    auto candidates = names_of(db, "view");
    std::ranges::copy(names_of(db, "table"), std::back_inserter(candidates));
    throw_unknown(db, "view or table", message.substr(kNoTable.size()), candidates);
  }
  if (message.starts_with(kNoColumn)) {
    const std::string name = message.substr(kNoColumn.size());
    const bool in_quotes = sql.find('"' + name + '"') != sql.npos;
    if (in_quotes && name.find('.') == name.npos) {
      throw ConfigError("", "no column is called '" + name +
                                "'; a text is written in single quotes: " + quoted(name, '\''));
    }
    throw_dotted(db, name);
    throw_unknown(db, "column", in_quotes ? name : name.substr(name.rfind('.') + 1),
                  candidate_columns(db, sql));
  }
  throw ConfigError("", "the SQL is wrong: " + message +
                            (offset < 0 ? "" : " at character " + std::to_string(offset + 1)));
}

// Why the statement that is being prepared was refused.
struct Refusal {
  std::string reason;
};

// What a query may ask SQLite about the database, with or without a name. None of it writes.
bool is_harmless_pragma(std::string_view name, bool has_argument) {
  static constexpr std::array kLists = {"table_info",      "table_xinfo", "table_list",
                                        "index_list",      "index_info",  "index_xinfo",
                                        "foreign_key_list"};
  static constexpr std::array kNumbers = {"user_version", "application_id", "schema_version",
                                          "page_size",    "page_count",     "freelist_count"};
  std::string small;
  for (const char c : name) small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto is_it = [&](std::string_view each) { return each == small; };
  return std::ranges::any_of(kLists, is_it) ||
         (!has_argument && std::ranges::any_of(kNumbers, is_it));
}

// Allows what reads the database, and nothing else: the database, too, may be anybody's. Other
// files are out of bounds: ATTACH could create one, VACUUM INTO copies to one.
int authorize(void* refusal, int action, const char* first, const char* second, const char*,
              const char*) {
  std::string& reason = static_cast<Refusal*>(refusal)->reason;
  constexpr auto* kWrites = "a query only reads: this statement would change the database";
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_UPDATE:
      // SQLite asks for this when it declares json_each() and its like, and refuses a statement
      // that means it.
      if (std::string_view(first) == "sqlite_master") return SQLITE_OK;
      reason = kWrites;
      return SQLITE_DENY;
    case SQLITE_FUNCTION:
      if (std::string_view(second) != "load_extension") return SQLITE_OK;
      reason = "a query reads results.db alone: it cannot load extensions";
      return SQLITE_DENY;
    case SQLITE_PRAGMA:
      if (is_harmless_pragma(first, second != nullptr)) return SQLITE_OK;
      reason = "a query only reads: PRAGMA " + std::string(first) +
               " is none of those that only ask (table_info, user_version, ...)";
      return SQLITE_DENY;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      reason = "a query reads results.db alone: it cannot attach other files";
      return SQLITE_DENY;
    default:
      reason = kWrites;
      return SQLITE_DENY;
  }
}

[[noreturn]] void throw_state_of(Database& db, int result) {
  throw_translated(db.path(), SQLite::Exception(db.connection().getHandle(), result));
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

// Nothing where `sql` holds only spaces and comments. `rest` is what follows the statement.
Prepared prepare(Database& db, const std::string& sql, const Refusal& refusal, std::string& rest) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int result = ::sqlite3_prepare_v2(db.connection().getHandle(), sql.c_str(),
                                          static_cast<int>(sql.size()) + 1, &statement, &tail);
  if (result != SQLITE_OK && !refusal.reason.empty()) throw ConfigError("", refusal.reason);
  // What is wrong with the file is not wrong with the SQL.
  if (result != SQLITE_OK && result != SQLITE_ERROR) throw_state_of(db, result);
  if (result != SQLITE_OK) throw_bad_sql(db, sql);
  rest = tail;
  return Prepared(statement);
}

Prepared prepare_one(Database& db, const std::string& sql, const Refusal& refusal) {
  std::string rest;
  Prepared statement = prepare(db, sql, refusal, rest);
  if (!statement) throw ConfigError("", "there is no SQL to run");
  if (::sqlite3_stmt_readonly(statement.get()) == 0) {
    throw ConfigError("", "a query only reads: this statement would change the database");
  }
  if (rest.find_first_not_of(" \t\r\n;") != rest.npos) {
    std::string ignored;
    sqlite3_stmt* next = nullptr;
    const int result =
        ::sqlite3_prepare_v2(db.connection().getHandle(), rest.c_str(), -1, &next, nullptr);
    const Prepared owned(next);
    if (result != SQLITE_OK || next != nullptr) {
      throw ConfigError("", "one statement at a time: this is more than one");
    }
  }
  return statement;
}

std::string hexadecimal(const unsigned char* bytes, int size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

Cell cell_of(sqlite3_stmt* statement, int column) {
  switch (::sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(::sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return ::sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return {};
    case SQLITE_BLOB: {
      const void* bytes = ::sqlite3_column_blob(statement, column);
      return hexadecimal(static_cast<const unsigned char*>(bytes),
                         ::sqlite3_column_bytes(statement, column));
    }
    default: {
      const void* text = ::sqlite3_column_text(statement, column);
      return std::string(static_cast<const char*>(text),
                         static_cast<std::size_t>(::sqlite3_column_bytes(statement, column)));
    }
  }
}

void write_rows(Database& db, sqlite3_stmt* statement, RowWriter& writer, std::ostream& out) {
  const int count = ::sqlite3_column_count(statement);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(::sqlite3_column_name(statement, i));
  writer.columns(names);
  int result = SQLITE_ROW;
  while (out && (result = ::sqlite3_step(statement)) == SQLITE_ROW) {
    std::vector<Cell> cells;
    for (int i = 0; i < count; ++i) cells.push_back(cell_of(statement, i));
    writer.row(std::move(cells));
  }
  if (out && result != SQLITE_DONE) {
    throw_state_of(db, result);
  }
  writer.end();
}

void bind_text(sqlite3_stmt* statement, int index, const std::string& text) {
  const Json number = text.empty() ? Json() : try_parse_json(text);
  if (number.is_number_integer() && !number.is_number_unsigned()) {
    ::sqlite3_bind_int64(statement, index, number.get<std::int64_t>());
  } else if (number.is_number_unsigned() && number <= std::numeric_limits<std::int64_t>::max()) {
    ::sqlite3_bind_int64(statement, index, number.get<std::int64_t>());
  } else if (number.is_number()) {
    ::sqlite3_bind_double(statement, index, number.get<double>());
  } else {
    ::sqlite3_bind_text(statement, index, text.c_str(), static_cast<int>(text.size()),
                        SQLITE_TRANSIENT);
  }
}

void bind_all(sqlite3_stmt* statement, const std::map<std::string, std::string>& values) {
  std::vector<std::string> known;
  for (int i = 1; i <= ::sqlite3_bind_parameter_count(statement); ++i) {
    const char* name = ::sqlite3_bind_parameter_name(statement, i);
    if (name == nullptr || *name == '?') {
      throw ConfigError("", "a parameter needs a name, as in :sweep, to be given with --param");
    }
    known.emplace_back(name + 1);
    if (const auto value = values.find(known.back()); value != values.end()) {
      bind_text(statement, i, value->second);
    }
  }
  for (const auto& [name, value] : values) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw ConfigError("", "the query has no parameter ':" + name + "'" + suggest(name, known));
  }
}

void list_as_json(Database& db, std::ostream& out) {
  Json views = Json::array();
  for (const auto& view : public_views(db)) {
    views.push_back({{"name", view}, {"columns", columns_of(db, view)}});
  }
  Json queries = Json::array();
  for (const auto& query : ready_queries()) {
    Json parameters = Json::object();
    for (const auto& parameter : parameters_of(query)) parameters[parameter.name] = parameter.help;
    queries.push_back({{"name", query.name},
                       {"question", question_of(query)},
                       {"parameters", parameters},
                       {"sql", query.sql}});
  }
  out << Json{{"views", views}, {"queries", queries}}.dump(1, ' ', false,
                                                           Json::error_handler_t::replace)
      << '\n';
}

void list_as_text(Database& db, std::ostream& out) {
  std::size_t width = 0;
  const auto views = public_views(db);
  for (const auto& view : views) width = std::max(width, view.size());
  for (const auto& query : ready_queries()) width = std::max(width, query.name.size());
  const auto line = [&](const std::string& name, const std::string& text) {
    out << name << std::string(width + 2 - name.size(), ' ') << text << '\n';
  };
  out << "Views and their columns (mvn-runner query VIEW, or a SELECT):\n\n";
  for (const auto& view : views) line(printable(view), printable(joined(columns_of(db, view))));
  out << "\nReady queries (mvn-runner query NAME --param sweep=NAME):\n\n";
  for (const auto& query : ready_queries()) {
    line(std::string(query.name), question_of(query));
    for (const auto& parameter : parameters_of(query)) {
      out << std::string(width + 2, ' ') << ':' << parameter.name << "  " << parameter.help << '\n';
    }
  }
}

bool is_one_word(const std::string& text) {
  return !text.empty() && std::ranges::none_of(text, [](unsigned char c) {
    return std::isspace(c) != 0 || c == ';' || c == '(';
  });
}

}  // namespace

std::string sql_of(const fs::path& database, const std::string& text) {
  if (!is_one_word(text)) return text;
  if (const auto* query = find_ready_query(text)) return std::string(query->sql);
  return translate_errors(database, [&] {
    const auto db = open_results(database);
    auto known = public_views(*db);
    auto all = names_of(*db, "table");
    std::ranges::copy(names_of(*db, "view"), std::back_inserter(all));
    if (std::ranges::find(all, text) != all.end()) return "SELECT * FROM " + quoted(text, '"');
    for (const auto& query : ready_queries()) known.emplace_back(query.name);
    throw ConfigError("", "no ready query or view is called '" + text + "'" +
                              did_you_mean(text, known) + "; 'mvn-runner query' alone lists them");
  });
}

void run_query(const fs::path& database, const std::string& sql, const QueryOptions& options,
               std::ostream& out) {
  const PipesMayClose guard;
  translate_errors(database, [&] {
    const auto db = open_results(database);
    Refusal refusal;
    ::sqlite3_set_authorizer(db->connection().getHandle(), authorize, &refusal);
    // A column that is misspelt within double quotes is an error, and not the text in them.
    ::sqlite3_db_config(db->connection().getHandle(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    const Prepared statement = prepare_one(*db, sql, refusal);
    bind_all(statement.get(), options.parameters);
    const auto writer = make_row_writer(options.format, out, options.width);
    write_rows(*db, statement.get(), *writer, out);
  });
}

void list_questions(const fs::path& database, RowFormat format, std::ostream& out) {
  const PipesMayClose guard;
  translate_errors(database, [&] {
    const auto db = open_results(database);
    format == RowFormat::kJson ? list_as_json(*db, out) : list_as_text(*db, out);
    out.flush();
  });
}

}  // namespace mvn
