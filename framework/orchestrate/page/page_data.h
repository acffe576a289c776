// What the page shows of a sweep, as JSON.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

struct PageRequest {
  std::string sweep;    // its name, or its file
  std::string by = {};  // parameter that the verdict compares by; "": model.plugin where it varies
};

// More of a sweep than this is left out, and the page says so.
inline constexpr std::size_t kMostShown = 2000;  // configurations, and trials
inline constexpr std::size_t kMostCurves = 100;  // of a metric: the best configurations of a stage
inline constexpr std::size_t kMostPoints = 300;  // of a curve
inline constexpr std::size_t kMetricPoints = 30'000;  // of all curves of a metric

// Follows a sweep in results.db, which it only reads. Not thread-safe. Everything throws Error,
// which names the database; ConfigError where there is no such sweep.
class PageData {
 public:
  PageData(std::filesystem::path database, const PageRequest& request);
  ~PageData();
  PageData(const PageData&) = delete;
  PageData& operator=(const PageData&) = delete;

  [[nodiscard]] const std::string& sweep() const;
  // "sweep", "counts", "verdict", "stages", "groups", "metrics", "failures", "importance",
  // "comparisons", "confusion", "notes", and for each trial "trial:<its first digits>". What a
  // change of the database did not touch is not made anew.
  const Json& sections();
  // Curves of the metric, one for each configuration, the best ones first:
  // {"curves": [{"stage", "group", "step": [...], ...}], "left_out": {"a stage": 20}}.
  Json curves(const std::string& metric);
  // Of one trial, by the first digits of its id that `trials` have: configuration, attempts,
  // environment, command, artifacts, events, the end of its log, and the curve of its metric.
  Json trial(const std::string& short_id);
  // The same of all, with what they share said once; as many logs as fit. For a file.
  Json all_trials();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Names of the sweeps of a database with how far they are, as the view `sweeps` has them; newest
// first.
Json list_sweeps(const std::filesystem::path& database);

}  // namespace mvn
