// sweep.json: what is planned in a sweep, beside its trials' folders, so that the database can be
// made anew from the results folder alone.
#pragma once

#include <cstdint>
#include <string>

#include "common/json.h"
#include "orchestrate/store/database.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

Json manifest_of(const SweepPlan& plan);

// Adds the sweep, its stages and those of its trials that are not there yet; refreshes what may
// have changed of the others. Trials that the manifest does not name stay, no longer current.
// Returns the sweep's row. Throws Json::exception when the manifest is none.
std::int64_t store_manifest(Database& db, const Json& manifest);

// The manifest of everything stored of the sweep, trials that are no longer current included.
Json stored_manifest(Database& db, std::int64_t sweep);

}  // namespace mvn
