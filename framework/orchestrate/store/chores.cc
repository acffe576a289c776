#include "orchestrate/store/chores.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "common/trial.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

struct Chore {
  std::int64_t id = 0;
  fs::path path;
  fs::path source;
};

std::vector<Chore> written_down(SQLite::Database& connection) {
  std::vector<Chore> chores;
  SQLite::Statement query(connection,
                          "SELECT id, path, coalesce(source, '') FROM mvn_chore ORDER BY id");
  while (query.executeStep()) {
    chores.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getString(),
                      query.getColumn(2).getString()});
  }
  return chores;
}

bool is_there(const fs::path& path) {
  return fs::symlink_status(path).type() != fs::file_type::not_found;
}

// Under another name first: what is half removed must not look like the whole.
void remove_whole(const fs::path& path) {
  const fs::path doomed = path.parent_path() / (".removing-" + path.filename().string());
  fs::remove_all(doomed);  // of a process that was killed
  if (!is_there(path)) return;
  fs::rename(path, doomed);
  fs::remove_all(doomed);
}

void do_one(const fs::path& results, const Chore& chore) {
  const fs::path path = results / chore.path;
  if (chore.source.empty()) return remove_whole(path);
  const fs::path source = results / chore.source;
  if (!is_there(source)) return;  // it was put there before
  // A file takes another one's place at once.
  const bool at_once = fs::is_regular_file(fs::symlink_status(source)) && !fs::is_directory(path);
  if (!at_once) remove_whole(path);
  fs::create_directories(path.parent_path());
  fs::rename(source, path);
}

}  // namespace

bool is_inside(const fs::path& results, const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  const bool upwards = std::ranges::any_of(
      path, [](const fs::path& part) { return part == ".." || part == "." || part.empty(); });
  const std::string first = path.begin()->string();
  if (upwards || first.starts_with("results.db") || first.starts_with("runner.lock")) return false;
  try {
    // A link may be removed itself, but not what it leads to.
    if (path.has_parent_path()) require_below(results, results / path.parent_path());
    return true;
  } catch (const DataError&) {
    return false;
  }
}

void add_chore(Database& db, const fs::path& path, const fs::path& source) {
  db.run("INSERT INTO mvn_chore (path, source) VALUES (?, nullif(?, ''))", path.string(),
         source.string());
}

void do_chores(SQLite::Database& connection, const fs::path& results) {
  for (const Chore& chore : written_down(connection)) {
    const bool ours = is_inside(results, chore.path) &&
                      (chore.source.empty() || is_inside(results, chore.source));
    try {
      if (ours) do_one(results, chore);
    } catch (const fs::filesystem_error&) {
      continue;
    }
    SQLite::Statement done(connection, "DELETE FROM mvn_chore WHERE id = ?");
    done.bind(1, chore.id);
    done.exec();
  }
}

std::int64_t chores_left(Database& db) {
  return db.known_integer("SELECT count(*) FROM mvn_chore");
}

}  // namespace mvn
