// `mvn-runner plan`: what a run would do, before anything starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/json.h"
#include "orchestrate/sessions/forecast.h"
#include "orchestrate/store/store.h"
#include "orchestrate/sweep/plan.h"
#include "orchestrate/workers/places.h"

namespace mvn {

struct PreviewTrial {
  std::string id;
  std::string stage;
  std::string label;
  std::string state;               // as the database has it; "new" where it is not there
  std::string action;              // what a run does about it: "train", "-", ...
  bool left = false;               // a run has something to do
  std::int64_t from_step = 0;      // its checkpoint; 0: from the start
  std::vector<std::size_t> after;  // trials of the preview that come first
  Prediction prediction;           // of what is left
};

struct Preview {
  std::string sweep;
  std::vector<PreviewTrial> trials;
  std::size_t to_draw = 0;           // trials that its searches draw later, by the results
  std::vector<std::string> first;    // commands that make missing data
  std::vector<std::string> fetches;  // what is to come from the hub
  std::vector<std::string> warnings;
  std::size_t workers = 1;
  std::int64_t threads = 1;
  std::string device;  // "cpu", "cuda:0 to cuda:3"
  bool gpu = false;
  double memory_bytes = 0;     // of the machine
  double free_disk_bytes = 0;  // where the results go
};

// What a run would do about each trial of the plan. `running` says whether a runner is at work.
Preview preview_of(const SweepPlan& plan, const std::map<std::string, TrialState>& known,
                   const std::filesystem::path& results, bool running);

// Where it would run, and what the machine has. `places` holds one at least.
void place(Preview& preview, const std::vector<Place>& places,
           const std::filesystem::path& results);

// What is left of each trial takes, by the trials of the past.
void predict(Preview& preview, const SweepPlan& plan, const std::vector<PastTrial>& past);

// What all that is left takes. Only trials that are predicted count.
struct PreviewTotal {
  std::size_t left = 0;
  std::size_t predicted = 0;
  std::size_t basis =
      0;                 // earlier trials that the predictions rest on, at most: those of one trial
  Range seconds;         // on the wall
  Range device_seconds;  // added up over the trials
  double host_bytes = 0;  // of the largest trial
  double device_bytes = 0;
  double disk_bytes = 0;  // at its fullest
};
PreviewTotal total_of(const Preview& preview);

// A warning for each limit of the machine that will not do.
std::vector<std::string> shortages(const Preview& preview, const PreviewTotal& total);

// A table no wider than `width` (nothing: as wide as it is), and the totals.
void print_preview(const Preview& preview, std::optional<std::size_t> width, std::ostream& out);

// The same in full.
Json to_json(const Preview& preview);

// "512 KiB", "1.3 GiB".
std::string bytes_text(double bytes);

}  // namespace mvn
