// From a sweep file to its trials: everything is read, resolved and validated before anything runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/description.h"
#include "common/json.h"
#include "orchestrate/search/space.h"
#include "orchestrate/search/stopping.h"
#include "orchestrate/sweep/packed_json.h"

namespace mvn {

// A place in a sweep or recipe file, or in an argument of the command line; line and column count
// from 1, 0 where there is none.
struct Location {
  std::filesystem::path file;
  int line = 0;
  int column = 0;
  std::string argument = {};  // of the command line, as typed: "training.epochs=1"
};

// Objective of a stage.
struct MetricGoal {
  std::string name;                   // "eval/accuracy"
  bool maximize = true;               // `goal: maximize | minimize`
  std::optional<double> target = {};  // once it is reached, no more trials of the stage start
};

struct PlannedTrial {
  std::string id;     // SHA-256 of canonical_json(config): the trial's identity
  std::string group;  // the same without the seed: trials that differ in their seed alone share it
  std::string stage;  // "" in a sweep without stages
  PackedJson config;  // resolved; paths as the sweep file spells them
  PackedJson parameters;  // the swept keys and this trial's values: {"optimizer.lr": 0.001, ...}
  std::int64_t seed = 0;
  std::size_t rank = 0;                 // of those that could start, the lowest ranks do first
  std::vector<std::string> depends_on;  // ids of trials of this plan whose model it starts from
  std::int64_t draw = -1;               // of a search: the number of the draw, from 0
};

// `method: bayes` of a stage. Draw k is a function of the seed, k, and the results of draws before
// it: the first ones are random and planned with everything else, the others are drawn as the
// sweep goes and then given to plan_sweep() with PlanOptions::drawn.
struct PlannedSearch {
  std::string id;          // a hash of all that the draws depend on but the results
  std::int64_t seed = 0;   // `search.seed`
  std::int64_t draws = 0;  // that there are to be
  std::int64_t seeds = 1;  // `repeats`: trials of a draw
  std::vector<Dimension> space;
  std::function<Point(std::int64_t draw)> random;
  std::vector<Point> points;                     // the draws that are made
  std::vector<std::vector<std::string>> trials;  // of each, the ids of its trials
};

// What a sweep asks of the machine.
struct Resources {
  int threads = 0;  // CPU threads of a trial; 0: the cores divided by the workers
  int workers = 0;  // trials at a time; 0: as many as there are devices, or cores
  std::string device = "auto";
  int max_trials_per_gpu = 1;   // several where their memory fits
  std::int64_t gpu_memory = 0;  // bytes that a trial needs; 0: measured
};

// How often a trial is run again in one run of the sweep after each kind of failure, from its last
// checkpoint. A configuration or data that cannot work is never tried again.
struct RetryRules {
  int crash = 1;
  int oom = 3;       // each time with half the micro-batch
  int node = 3;      // killed from outside
  int hang = 1;      // limits.silence
  int timeout = 0;   // limits.time
  int diverged = 0;  // the loss is NaN or infinite
  // So many configurations that fail with one error before they report anything end the sweep; 0:
  // none do.
  int same_error = 3;
};

// Seconds; 0: no limit.
struct Limits {
  double time = 0;     // of one attempt
  double silence = 0;  // between two records of an attempt
  double grace = 60;   // for writing a checkpoint before it is killed
};

// `run_cap`: what a sweep may spend, in all its runs together. Hours are 0 where there is no limit.
struct RunCap {
  std::optional<std::int64_t> trials;  // the first ones
  double hours = 0;                    // during which a trial ran
  double gpu_hours = 0;                // the same for each GPU, added up
};

// A command that makes data where it is missing: run in `folder` when `creates` does not exist.
struct Preparation {
  std::vector<std::string> command;
  std::filesystem::path creates;  // absolute
  std::filesystem::path folder;   // absolute: of the file that says so
};

struct SweepPlan {
  std::string name;
  std::filesystem::path file;                     // absolute
  std::string text;                               // the file as read
  Json resolved;                                  // the file with `extends` and overrides applied
  std::map<std::string, MetricGoal> metrics;      // by stage
  std::vector<PlannedTrial> trials;               // in the file's order, upstream stages first
  std::map<std::string, PlannedSearch> searches;  // by stage
  std::map<std::string, StoppingRule> stopping;   // by stage: `early_terminate`
  RunCap cap;
  std::vector<std::string> warnings;
  Resources resources;
  RetryRules retry;
  Limits limits;
  std::vector<Preparation> prepare;
  std::map<std::string, Location> locations;  // "stage/key" ("classify/task.text") -> its value
};

struct PlanOptions {
  std::vector<std::string> overrides;  // "a.b=c" from the command line
  // The id of the finished trial that a `trial:PREFIX` reference names; throws ConfigError.
  std::function<std::string(const std::string& prefix)> find_trial;
  std::vector<std::filesystem::path> recipe_folders;  // searched after `recipes/` beside the file
  // By stage: the draws of its search beyond the random ones.
  std::map<std::string, std::vector<Point>> drawn = {};
};

// Throws SweepErrors holding every problem of the file at once.
SweepPlan plan_sweep(const std::filesystem::path& file, const Description& installed,
                     const PlanOptions& options);

// The place where `key` ("task.text") of a trial of `stage` got its value, as precise as is known.
Location locate(const SweepPlan& plan, const std::string& stage, const std::string& key);

// The configuration as a worker gets it: paths absolute, `model.weights` that names a trial
// replaced by the folder that `model_folder(id)` returns.
Json launch_config(const SweepPlan& plan, const PlannedTrial& trial, const Description& installed,
                   const std::function<std::filesystem::path(const std::string& id)>& model_folder);

}  // namespace mvn
