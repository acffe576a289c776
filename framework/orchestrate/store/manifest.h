// sweep.json: what is planned in a sweep, beside its trials' folders, so that the database can be
// made anew from the results folder alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/store/database.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

// A trial's entry of a manifest.
Json manifest_of(const PlannedTrial& trial, const std::string& label);
// The labels of `trials` beside the plan's own of their stages.
std::vector<std::string> labels_among(const SweepPlan& plan,
                                      const std::vector<PlannedTrial>& trials);

// Adds the sweep, its stages and those of its trials that are not there yet; refreshes what may
// have changed of the others. Trials that the manifest does not name stay, no longer current.
// Returns the sweep's row. Throws Json::exception when it is not a manifest.
std::int64_t store_manifest(Database& db, const Json& manifest);
// The same with a plan, trial by trial: the manifest of a large one takes many times its memory.
// `place` is the sweep file's, which no other file of this name may take.
std::int64_t store_plan(Database& db, const SweepPlan& plan, const std::string& place);

// Adds or refreshes one trial from its entry.
void store_trial(Database& db, std::int64_t sweep, const Json& trial, std::int64_t created,
                 int position);

// The text of the manifest of everything stored of the sweep, trials that are no longer current
// included: a line for each.
std::string stored_manifest(Database& db, std::int64_t sweep);

}  // namespace mvn
