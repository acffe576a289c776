// What is known of one trial. Private to the page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

struct DetailedTrial {
  std::int64_t row = 0;
  std::string sweep;
  std::string id;
};

// The trial of the sweep whose id begins with `short_id`. Throws ConfigError where there is none.
DetailedTrial trial_of(Database& db, const std::string& sweep, const std::string& short_id);

// The whole configuration by dotted names, what the trial chose itself included.
Json configuration_of(Database& db, const DetailedTrial& trial);
// What the last attempt ran on, by name.
Json environment_of(Database& db, const DetailedTrial& trial);
// {"attempts", "artifacts", "events", "costs", "starts_from"}
Json history_of(Database& db, const DetailedTrial& trial);
// How the last attempt was started, as a shell takes it, secrets masked; "" where none was.
std::string command_of(Database& db, const DetailedTrial& trial);
// The last lines of the last attempt's log, secrets masked; "" where there is none.
std::string log_of(Database& db, const DetailedTrial& trial, std::size_t bytes);

// Its folder. Throws DataError where its name leads out of the results.
std::filesystem::path folder_of(Database& db, const DetailedTrial& trial);

}  // namespace mvn
