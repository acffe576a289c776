// The predictions that a trial kept as rows of the database. Private to the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "orchestrate/store/database.h"

namespace mvn {

// The trial's artifact "predictions" or "test-predictions" as it lies in its folder, in place of
// what was stored of that split; within the caller's transaction. Other kinds, and a file that is
// gone, change nothing. Returns what is wrong with the file, of which nothing is then stored; ""
// where nothing is.
std::string store_predictions(Database& db, std::int64_t trial, const std::string& kind,
                              const std::filesystem::path& folder);

}  // namespace mvn
