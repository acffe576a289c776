// Configurations of a sweep by any metric, best first. Private to the page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/page/curves.h"
#include "orchestrate/store/database.h"

namespace mvn {

// A configuration over its seeds, as the views group_stats and group_metrics have it.
struct Standing {
  std::string group;
  std::string params;
  std::int64_t n = 0;  // trials that are done and have a finite value
  std::int64_t trials = 0;
  std::optional<double> mean;
  std::optional<double> sd;
  std::optional<double> low;  // 95 % interval
  std::optional<double> high;
  std::string best_trial;  // the first digits of its id
  std::vector<CurveTrial> its;
};

struct StageStandings {
  std::string stage;
  std::string metric;
  bool maximize = true;
  bool judged = true;  // false: of a count or a share neither more nor less is better
  std::vector<Standing> standings;
};

// "" for the metric of each stage. Throws ConfigError where no trial reported the metric.
std::vector<StageStandings> read_standings(Database& db, std::int64_t sweep,
                                           const std::string& metric);

}  // namespace mvn
