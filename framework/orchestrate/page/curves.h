// Learning curves out of results.db.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/page/thinning.h"
#include "orchestrate/store/database.h"

namespace mvn {

// A trial as far as its curve depends on it.
struct CurveTrial {
  std::int64_t row = 0;
  std::string state;
  int attempts = 0;
};

// The values that count (mvn_value) of the trials, step by step. A NaN is in no mean, as in the
// view `curves`.
MetricCurve read_curve(Database& db, const std::vector<CurveTrial>& trials, std::int64_t metric);

// {"step": [...], "mean": [...], "n": 3 or [...], "sd": [...], "low": [...], "high": [...]}, the
// last three where any step has two seeds; "from" the number of points before it was thinned to
// `most`. A step where no seed has a number has null.
Json json_of(const MetricCurve& curve, std::size_t most);

// Remembers curves as long as nothing was added to their trials.
class CurveCache {
 public:
  // As json_of(read_curve()); `name` is what the trials are together.
  const Json& curve(Database& db, const std::string& name, const std::vector<CurveTrial>& trials,
                    std::int64_t metric, std::size_t most);

 private:
  struct Entry {
    std::string signature;  // of the trials
    Json json;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace mvn
