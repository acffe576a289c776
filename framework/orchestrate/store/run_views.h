// The views runs_<sweep>: a sweep's trials with a column for each parameter that it varies. Private
// to the store.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>

namespace mvn {

// Makes the view of the sweep (its row) anew where its parameters are not what they were, and drops
// those of sweeps that are gone. Its name is the sweep's with '_' for what needs quotes in SQL; the
// sweep's own where another sweep has that one.
void make_run_view(SQLite::Database& db, std::int64_t sweep);
void make_all_run_views(SQLite::Database& db);
void drop_gone_run_views(SQLite::Database& db);

// A text as SQL writes it: 'it''s', or with another quote "a""b".
std::string quoted(const std::string& text, char quote);

}  // namespace mvn
