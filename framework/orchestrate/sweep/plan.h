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
#include "orchestrate/hub/reference.h"
#include "orchestrate/search/draw_method.h"
#include "orchestrate/search/stopping.h"
#include "orchestrate/sweep/key_roles.h"
#include "orchestrate/sweep/location.h"
#include "orchestrate/sweep/packed_json.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

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

struct SweepPlan;

// One more draw of a search.
struct PlannedDraw {
  Point point;
  std::vector<std::string> ids;     // of its trials, those that the plan has already included
  std::vector<PlannedTrial> fresh;  // that the plan does not have yet
  bool room = true;                 // false where run_cap leaves none for any of them
};

// A stage whose method learns, such as `method: bayes`. Draw k is a function of the seed, k, and
// the results of draws before it: the first ones are random and planned with everything else, the
// others are drawn as the sweep goes and appended to the plan.
struct PlannedSearch {
  const DrawMethod* method = nullptr;
  std::string id;          // a hash of all that the draws depend on but the results
  std::int64_t seed = 0;   // `search.seed`
  std::int64_t draws = 0;  // that there are to be
  std::int64_t seeds = 1;  // `repeats`: trials of a draw
  std::vector<Dimension> space;
  std::function<Point(std::int64_t draw)> random;
  std::vector<Point> points;                     // the draws that are made
  std::vector<std::vector<std::string>> trials;  // of each, the ids of its trials
  // Plans the next draw by what was read of the sweep file when it was planned, and that draw
  // alone. The plan gets the places of its values. Throws SweepErrors.
  std::function<PlannedDraw(SweepPlan& plan, const Point& point)> plan_draw;
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
  KeyRoles roles;  // of the configurations' keys
  std::vector<std::string> warnings;
  Resources resources;
  RetryRules retry;
  Limits limits;
  std::vector<Preparation> prepare;
  SlurmRequest slurm;
  std::map<std::string, Location> locations;  // "stage/key" ("classify/task.text") -> its value
};

struct PlanOptions {
  std::vector<std::string> overrides;  // "a.b=c" from the command line
  // The id of the finished trial that a `trial:PREFIX` reference names; throws ConfigError.
  std::function<std::string(const std::string& prefix)> find_trial;
  std::vector<std::filesystem::path> recipe_folders;  // searched after `recipes/` beside the file
  // What a reference to the hub ("hf:OWNER/NAME") of this sweep is in a trial's configuration: with
  // the commit that its revision is at, so that the trial is one thing for ever. Throws
  // ConfigError.
  std::function<std::string(const std::string& sweep, const std::string& reference, HubUse use)>
      pin = {};
};

// Throws SweepErrors holding every problem of the file at once.
SweepPlan plan_sweep(const std::filesystem::path& file, const Description& installed,
                     const PlanOptions& options);

// Adds a draw of a stage's search to the plan, where it has draws left. Without room for its trials
// the search has no more draws.
void append(SweepPlan& plan, const std::string& stage, PlannedDraw draw);
void append_draw(SweepPlan& plan, const std::string& stage, const Point& point);

// The place where `key` ("task.text") of a trial of `stage` got its value, as precise as is known.
Location locate(const SweepPlan& plan, const std::string& stage, const std::string& key);

// Where on this machine lies what a reference to the hub names.
using HubPath = std::function<std::filesystem::path(const std::string& reference, HubUse use)>;

// The configuration as a worker gets it: paths absolute, `model.weights` that names a trial
// replaced by the folder that `model_folder(id)` returns, references to the hub by `hub_path`,
// where there is one.
Json launch_config(const SweepPlan& plan, const PlannedTrial& trial, const Description& installed,
                   const std::function<std::filesystem::path(const std::string& id)>& model_folder,
                   const HubPath& hub_path = {});

}  // namespace mvn
