// `early_terminate`: whether a trial is worth finishing, by the values of its metric so far and
// those of its peers. Pure: the same values give the same answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

// An iteration is a recorded value of the metric: iteration n is the n-th, in the order of steps.
struct StoppingRule {
  enum class Type {
    kAsha,       // Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning; it stops
                 // at a rung what would not be promoted, as Ray Tune's scheduler does
    kHyperband,  // as W&B does it: sweeps/hyperband_stopping.py
    kMedian,     // Golovin et al. 2017, Google Vizier, section 3.2.1
  };
  Type type = Type::kAsha;
  double eta = 3;                   // the best of 1 in so many go on
  std::vector<std::int64_t> rungs;  // iterations at which it judges; median: only the first counts
  bool strict = false;              // hyperband: by the value at the rung, not the best one so far
  std::int64_t startup_trials = 5;  // median: trials that are done before it judges
  Json written;                     // the rule as the sweep file has it, defaults filled in
};

// min_iter, min_iter * eta, ...; rounded down, each once.
std::vector<std::int64_t> rungs_from(std::int64_t min_iter, double eta);
// max_iter / eta, max_iter / eta^2, ... down to s of them, none below 1; ascending.
std::vector<std::int64_t> rungs_below(std::int64_t max_iter, double eta, std::int64_t s);

struct Curve {
  std::vector<double> values;  // of each iteration; NaN counts as worse than everything
  bool done = false;           // the trial is done
};

// Why a trial is stopped.
struct StopDecision {
  std::int64_t iteration = 0;  // the rung
  double value = 0;            // what was judged there
  double threshold = 0;        // the worst value that would have gone on
  std::size_t peers = 0;       // trials that the threshold is made of
  std::string reason;
};

// Judges the trial `own` of `curves` at the rungs above `seen` (iterations that were judged before)
// that it has reached; the first that stops it counts. Hyperband, as W&B, judges by the latest rung
// whenever there is a new value.
std::optional<StopDecision> judge(const StoppingRule& rule, bool maximize,
                                  const std::vector<Curve>& curves, std::size_t own,
                                  std::int64_t seen);

}  // namespace mvn
