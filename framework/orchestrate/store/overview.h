// Where a sweep stands, as its database tells anyone who looks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mvn {

struct RunningAttempt {
  std::string trial;  // the first digits of its id
  std::string label;  // its whole name: "classify lr=0.001 seed=2"
  std::string worker;
  std::int64_t started = 0;  // milliseconds since 1970 UTC
  std::int64_t resumed_step = 0;
  std::optional<std::int64_t> step;  // nothing where it has reported nothing yet
  std::int64_t steps = 0;            // 0: not known
  std::int64_t usual_steps = 0;      // of trials that are done and did not say either
  std::optional<double> loss;        // the last train/loss
};

// Counts trials of the sweep file as last run.
struct SweepOverview {
  std::size_t trials = 0;
  std::size_t done = 0;    // diverged and stopped ones included
  std::size_t failed = 0;  // and blocked
  std::size_t ended = 0;   // since the time asked about, in any way but an interruption
  std::vector<RunningAttempt> running;  // by worker
};

// `since` is milliseconds since 1970 UTC. Throws Error when there is no database.
SweepOverview sweep_overview(const std::filesystem::path& database, const std::string& sweep,
                             std::int64_t since);

}  // namespace mvn
