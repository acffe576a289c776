// The trials of a sweep as a comparison sees them, out of results.db. Private to the answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrate/store/database.h"

namespace mvn {

struct ComparedTrial {
  std::int64_t row = 0;
  std::string id;
  std::string stage;
  std::string group;
  std::string state;
  std::int64_t seed = 0;
  std::map<std::string, std::string> params;  // the whole configuration by dotted names, as text
};

struct ComparedStage {
  std::string name;
  std::string metric;
  bool maximize = true;
};

// A sweep as its file was when it last ran.
struct ComparedSweep {
  std::int64_t row = 0;
  std::string name;
  std::vector<ComparedStage> stages;
  std::vector<ComparedTrial> trials;  // in the sweep's order
  std::set<std::string> texts;        // parameters whose values are all texts
  std::set<std::string> params;       // all there are
};

// The sweep that find_sweep() finds, with its trials.
ComparedSweep read_sweep(Database& db, const std::string& wanted);

// The metrics that trials of the sweep reported.
std::set<std::string> reported_metrics(Database& db, std::int64_t sweep);

// The last value of a metric, by the trial's row; nothing where that is no finite number.
using FinalValues = std::map<std::int64_t, std::optional<double>>;
FinalValues final_values(Database& db, std::int64_t sweep, const std::string& metric);

// What is known of a metric by its name: "score", "loss", "rate", "count" or "share".
std::string metric_kind(Database& db, const std::string& metric);

}  // namespace mvn
