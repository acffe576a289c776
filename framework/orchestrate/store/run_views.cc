#include "orchestrate/store/run_views.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <vector>

namespace mvn {
namespace {

const std::string kPrefix = "runs_";

std::string without_quotes(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

// Of all sweeps, by their rows. Views are not told apart by upper and lower case.
std::map<std::int64_t, std::string> view_names(SQLite::Database& db) {
  std::map<std::int64_t, std::string> sweeps;
  SQLite::Statement query(db, "SELECT id, name FROM mvn_sweep");
  while (query.executeStep()) {
    sweeps[query.getColumn(0).getInt64()] = query.getColumn(1).getString();
  }
  const auto folded = [](std::string name) {
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
  };
  std::set<std::string> taken;
  for (const auto& [row, name] : sweeps) taken.insert(folded(name));
  for (auto& [row, name] : sweeps) {
    const auto simple = without_quotes(name);
    if (simple != name && taken.insert(folded(simple)).second) name = simple;
    name.insert(0, kPrefix);
  }
  return sweeps;
}

std::vector<std::string> parameters_of(SQLite::Database& db, std::int64_t sweep) {
  std::vector<std::string> keys;
  SQLite::Statement query(db,
                          "SELECT DISTINCT j.key FROM mvn_trial t, json_each(t.parameters) j"
                          " WHERE t.sweep = ? AND j.key <> 'seed' ORDER BY j.key");
  query.bind(1, sweep);
  while (query.executeStep()) keys.push_back(query.getColumn(0).getString());
  return keys;
}

// A path of JSON has no way to write a quote.
std::string column_of(const std::string& key) {
  const bool simple = key.find_first_of("\"\\") == key.npos;
  return (simple
              ? "parameters ->> " + quoted("$.\"" + key + "\"", '\'')
              : "(SELECT value FROM json_each(parameters) WHERE key = " + quoted(key, '\'') + ")") +
         " AS " + quoted(key, '"') + ", ";
}

std::string sql_of(SQLite::Database& db, std::int64_t sweep, const std::string& view) {
  SQLite::Statement query(db, "SELECT name FROM mvn_sweep WHERE id = ?");
  query.bind(1, sweep);
  const std::string name = query.executeStep() ? query.getColumn(0).getString() : "";
  std::string columns;
  for (const auto& key : parameters_of(db, sweep)) columns += column_of(key);
  return "CREATE VIEW " + quoted(view, '"') + " AS SELECT trial, stage, " + columns +
         "seed, state, objective, metric, step, seconds, attempts, message, started, ended, folder,"
         " current, group_id, draw FROM trials WHERE sweep = " +
         quoted(name, '\'');
}

std::map<std::string, std::string> existing_views(SQLite::Database& db) {
  std::map<std::string, std::string> views;
  SQLite::Statement query(db,
                          "SELECT name, sql FROM sqlite_schema WHERE type = 'view'"
                          " AND name GLOB 'runs_*'");
  while (query.executeStep()) {
    views[query.getColumn(0).getString()] = query.getColumn(1).getString();
  }
  return views;
}

void drop_gone(SQLite::Database& db, const std::map<std::int64_t, std::string>& names) {
  std::set<std::string> known;
  for (const auto& [row, name] : names) known.insert(name);
  for (const auto& [view, sql] : existing_views(db)) {
    if (!known.contains(view)) db.exec("DROP VIEW " + quoted(view, '"'));
  }
}

void make(SQLite::Database& db, std::int64_t sweep, const std::string& view) {
  const auto sql = sql_of(db, sweep, view);
  if (existing_views(db)[view] == sql) return;
  db.exec("DROP VIEW IF EXISTS " + quoted(view, '"'));
  db.exec(sql);
}

}  // namespace

std::string quoted(const std::string& text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote) result += quote;
    result += c;
  }
  return result + quote;
}

void make_run_view(SQLite::Database& db, std::int64_t sweep) {
  const auto names = view_names(db);
  drop_gone(db, names);
  const auto there = existing_views(db);
  for (const auto& [row, view] : names) {
    // Another sweep may have taken the name of this one's.
    if (row == sweep || !there.contains(view)) make(db, row, view);
  }
}

void drop_gone_run_views(SQLite::Database& db) { drop_gone(db, view_names(db)); }

void make_all_run_views(SQLite::Database& db) {
  for (const auto& [sweep, view] : view_names(db)) make(db, sweep, view);
}

}  // namespace mvn
