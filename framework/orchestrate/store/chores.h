// What a transaction wants of the disk besides its rows: a folder removed, or put into its place.
// Written down in the transaction and done after it, so that a process that is killed in between
// leaves nothing half done: the next one that opens the database for writing does the rest. Private
// to the store.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>

#include "orchestrate/store/database.h"

namespace mvn {

// Both are below the results folder; without a source the path is removed.
void add_chore(Database& db, const std::filesystem::path& path,
               const std::filesystem::path& source = {});

// Does what is written down; what cannot be done (a file of another user's) waits for the next
// time. A database may come from anywhere: no path that leads out of the results folder is touched.
void do_chores(SQLite::Database& connection, const std::filesystem::path& results);

// How many wait.
std::int64_t chores_left(Database& db);

// Whether a relative path stays below `results`, symbolic links followed, and is no file of the
// runner's own there.
bool is_inside(const std::filesystem::path& results, const std::filesystem::path& path);

}  // namespace mvn
