// What went wrong in a sweep, by cause. Private to the page.
#pragma once

#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

// A message without what differs from trial to trial: numbers, ids, paths.
std::string cause_of(const std::string& message);

// [{"cause", "state", "message", "count", "trials": [...], "log"}], the most frequent first.
// Of trials in the sweep file as last run that are not done; messages and logs with secrets masked.
Json failures_by_cause(Database& db, const std::string& sweep);

}  // namespace mvn
