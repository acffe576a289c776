#include "orchestrate/store/choices.h"

#include <exception>
#include <functional>

#include "common/printable.h"
#include "orchestrate/store/database.h"
#include "orchestrate/store/lookup.h"
#include "orchestrate/store/ready_queries.h"
#include "orchestrate/store/store.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// What `read` finds; nothing where that fails.
std::vector<Choice> choices(const fs::path& results,
                            const std::function<void(Database&, std::vector<Choice>&)>& read) {
  std::vector<Choice> found;
  const auto path = database_path(results);
  try {
    if (!fs::exists(path)) return found;
    Database db(path, Access::kRead);
    db.connection().setBusyTimeout(200);  // nobody waits for a completion
    read(db, found);
  } catch (const std::exception&) {
    found.clear();
  }
  return found;
}

void add_names(Database& db, const char* sql, std::vector<Choice>& found) {
  db.each(sql, [&](SQLite::Statement& row) {
    found.emplace_back(row.getColumn(0).getString(), row.getColumn(1).getString());
  });
}

}  // namespace

std::vector<Choice> sweep_choices(const fs::path& results) {
  return choices(results, [](Database& db, std::vector<Choice>& found) {
    add_names(db, "SELECT sweep, done || ' of ' || trials || ' trials done' FROM sweeps", found);
  });
}

std::vector<Choice> trial_choices(const fs::path& results, const std::string& start,
                                  std::size_t limit) {
  return choices(results, [&](Database& db, std::vector<Choice>& found) {
    db.each(
        "SELECT t.short, s.name, t.stage, t.label, t.seed, t.state FROM mvn_trial t"
        " JOIN mvn_sweep s ON s.id = t.sweep WHERE t.short >= ?1 AND t.short < ?1 || 'g'"
        " ORDER BY t.short LIMIT ?2",
        [&](SQLite::Statement& row) {
          const TrialNames name{row.getColumn(1).getString(), true};
          found.emplace_back(row.getColumn(0).getString(),
                             name(row.getColumn(2).getString(), row.getColumn(3).getString(),
                                  row.getColumn(4).getInt64()) +
                                 ", " + row.getColumn(5).getString());
        },
        start, static_cast<std::int64_t>(limit));
  });
}

std::vector<Choice> parameter_choices(const fs::path& results) {
  return choices(results, [](Database& db, std::vector<Choice>& found) {
    // Of each configuration one trial tells.
    add_names(db,
              "SELECT DISTINCT j.key, 'varies in ' || s.name"
              " FROM (SELECT sweep, parameters, min(id) FROM mvn_trial WHERE current = 1"
              "       GROUP BY sweep, stage, group_hash LIMIT 2000) t"
              " JOIN mvn_sweep s ON s.id = t.sweep, json_each(t.parameters) j"
              " WHERE j.key <> 'seed' ORDER BY 1",
              found);
  });
}

std::vector<Choice> metric_choices(const fs::path& results) {
  return choices(results, [](Database& db, std::vector<Choice>& found) {
    add_names(db, "SELECT name, '' FROM mvn_metric_name ORDER BY name", found);
  });
}

std::vector<Choice> query_choices(const fs::path& results) {
  std::vector<Choice> found;
  for (const auto& query : ready_queries()) {
    found.emplace_back(query.name, question_of(query));
  }
  const auto views = choices(results, [](Database& db, std::vector<Choice>& names) {
    add_names(db,
              "SELECT name, 'a view' FROM sqlite_schema WHERE type = 'view'"
              " AND name NOT GLOB 'mvn_*' ORDER BY name",
              names);
  });
  found.insert(found.end(), views.begin(), views.end());
  return found;
}

}  // namespace mvn
