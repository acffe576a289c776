// What the writing side and the reading side of results.db both ask. Private to the store and the
// answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrate/store/database.h"
#include "orchestrate/store/label.h"
#include "orchestrate/store/store.h"

namespace mvn {

// See Store for what they return.
std::vector<StoredTrial> stored_trials_of(Database& db, const std::string& sweep);
std::vector<std::string> finished_with_prefix(Database& db, const std::string& prefix);
std::filesystem::path folder_of(Database& db, const std::string& id);

// The sweep of the name that is `wanted`, or whose file that is. Throws ConfigError, which names
// the nearest, where there is none.
struct FoundSweep {
  std::int64_t row = 0;
  std::string name;
};
FoundSweep find_sweep(Database& db, const std::string& wanted);

// How the trials of a sweep are named.
TrialNames names_of_trials(Database& db, const std::string& sweep);

}  // namespace mvn
