// What a search and an early stopping rule go by: draws, and how trials went. Private to the store.
#pragma once

#include <string>
#include <vector>

#include "orchestrate/store/database.h"
#include "orchestrate/store/store.h"

namespace mvn {

std::vector<TrialHistory> trial_histories(Database& db, const std::string& sweep);
bool has_reported(Database& db, const std::string& sweep, const std::string& id);
std::vector<std::string> metric_names(Database& db, const std::string& sweep,
                                      const std::string& id);
bool has_metric(Database& db, const std::string& sweep, const std::string& stage,
                const std::string& metric);
std::vector<AttemptSpan> attempt_spans(Database& db, const std::string& sweep);
std::vector<Point> stored_draws(Database& db, const std::string& sweep, const std::string& stage,
                                const std::string& search, std::size_t first);

// The journal's record of a draw, and what it stands for in the database. Throws Json::exception
// where it is not the record of a draw.
Json draw_record(const StoredDraw& draw, const std::vector<PlannedTrial>& trials,
                 const std::vector<std::string>& labels, std::int64_t time);
// Trials that are there already are refreshed where `newest`, and otherwise left as they are: the
// sweep's manifest is newer than its journal.
void store_draw(Database& db, const std::string& sweep, const Json& record, bool newest);

}  // namespace mvn
