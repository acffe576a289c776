// What a trial will take, by what earlier trials took.
//
// A trial is predicted from the trials that differ in their seed alone; where there are none, from
// those of the same shape (KeyRoles::shape): the same but for the seed, the schedule, how long they
// train, and every fractional number (learning rates, dropout and the like cost nothing). Trials
// that ran on this host with as many threads are preferred to others; those of another kind of
// device never count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/store/reader.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

struct Range {
  double low = 0;
  double expected = 0;
  double high = 0;
};

// Where trials would run.
struct Machine {
  std::string host;
  bool gpu = false;
  std::int64_t threads = 1;  // of each trial
};

enum class Basis {
  kNone,   // nothing is known
  kSeeds,  // the same configuration, with other seeds or its own earlier attempts
  kShape,  // the same shape
};

struct Prediction {
  Basis basis = Basis::kNone;
  bool elsewhere = false;  // from another host, or with another number of threads
  std::size_t trials = 0;  // so many earlier ones it rests on
  Range seconds;
  double host_bytes = 0;        // the most memory; 0: not recorded
  double device_bytes = 0;      // the same on the GPU
  double kept_bytes = 0;        // on disk, for good
  double checkpoint_bytes = 0;  // on disk while it runs
};

class Forecast {
 public:
  Forecast(const std::vector<PastTrial>& past, Machine machine, KeyRoles roles);

  // What is left of the trial after `done_steps`.
  [[nodiscard]] Prediction predict(const PlannedTrial& trial, std::int64_t done_steps) const;

 private:
  // One earlier trial, as one uninterrupted run.
  struct Run {
    std::string group;
    Json shape;
    Json config;
    bool complete = false;  // ended well; else its time is extrapolated
    bool here = false;      // on the same host with as many threads
    double seconds = 0;
    double seconds_per_step = 0;
    std::int64_t steps = 0;
    double host_bytes = 0;
    double device_bytes = 0;
    double kept_bytes = 0;
    double checkpoint_bytes = 0;
  };

  [[nodiscard]] std::optional<Run> run_of(const PastTrial& trial) const;
  [[nodiscard]] double seconds_like(const Run& run, const Json& config,
                                    std::int64_t done_steps) const;

  Machine machine_;
  KeyRoles roles_;
  std::vector<Run> runs_;
};

// How long the trials take on so many workers: each starts the first trial of the list that may
// run. `after` names the trials (by their place in the list) that come first.
struct Work {
  double seconds = 0;
  std::vector<std::size_t> after;
};
double makespan(const std::vector<Work>& work, std::size_t workers);

}  // namespace mvn
