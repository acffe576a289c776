// What a comparison rests on: the arms, the data sets they meet on, and the results of each arm's
// best configuration over its seeds. Private to the answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/answers/compare.h"
#include "orchestrate/store/database.h"

namespace mvn {

// Where the trainings of a configuration begin; what replication means follows from it.
enum class Start { kCheckpoint, kTrainedPerSeed, kRandomWeights, kProgram };

// An arm on a data set: the configuration that stands for it.
struct ArmResults {
  std::string configuration;              // what was chosen, readable; "" where there was no choice
  std::size_t draws = 0;                  // configurations that it was chosen from
  std::map<std::int64_t, double> values;  // by seed
  std::map<std::int64_t, std::string> ids;                 // of their trials
  std::map<std::int64_t, std::vector<std::string>> start;  // by seed: its model's parameters
  std::size_t trials = 0;  // of the configuration, but for those stopped early
  std::size_t failed = 0;  // and diverged
  std::size_t stopped = 0;
  std::size_t numberless = 0;  // done, without a finite value
  std::size_t waiting = 0;     // not done yet
  Start from = Start::kProgram;
  std::string checkpoint;  // of kCheckpoint
};

struct ComparedSet {
  std::string name;              // of its stage and what tells it apart there; "" for the only one
  std::vector<ArmResults> arms;  // as Evidence::arms
  std::optional<double> texts;   // that an accuracy is of
};

// Data sets that are judged by one metric.
struct Evidence {
  std::string metric;
  std::string chosen_by;  // the metric that configurations were chosen by; "" where none was
  bool maximize = true;
  bool goal_is_guessed = false;  // the sweep does not say whether more is better
  double region = 0;
  std::vector<std::string> arms;
  std::vector<ComparedSet> sets;
  std::vector<std::string> also;   // other parameters that differ from arm to arm
  std::vector<std::string> notes;  // what was left out
};

struct GatheredEvidence {
  std::string sweep;
  std::string by;
  std::vector<Evidence> parts;
};

// Throws ConfigError where there is nothing to compare, and says why.
GatheredEvidence gather_evidence(Database& db, const CompareRequest& request);

}  // namespace mvn
