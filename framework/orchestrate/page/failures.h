// What went wrong in a sweep, by cause. Private to the page.
#pragma once

#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"

namespace mvn {

// A message without what differs from trial to trial: numbers, ids, paths.
std::string cause_of(const std::string& message);

// [{"state", "message", "count", "trial_count", "trials": [...], "log"}], the most frequent first;
// "count" is that of attempts, message and log are the newest one's, with secrets masked. Of trials
// in the sweep file as last run.
Json failures_by_cause(Database& db, const std::string& sweep);

}  // namespace mvn
