// The trials that a sweep's file names as it was last run, and what they cost. Private to the page.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

struct ShownTrial {
  std::int64_t row = 0;
  std::string id;
  std::string short_id;
  std::string stage;
  std::string group;  // as the views call it
  std::string state;
  std::int64_t seed = 0;
  int attempts = 0;
  Json parameters;
};

using GroupKey = std::pair<std::string, std::string>;  // stage, group

// In the sweep's order; parameters by dotted names.
std::vector<ShownTrial> read_shown_trials(Database& db, std::int64_t sweep);

// What each trial cost, and the parameters that it trained where it says so: by the first digits of
// its id, then by name.
std::map<std::string, Json> read_costs(Database& db, const std::string& sweep);

// The mean of each cost over the trials of a configuration that are done.
Json mean_costs(const std::vector<const ShownTrial*>& trials,
                const std::map<std::string, Json>& costs);

}  // namespace mvn
