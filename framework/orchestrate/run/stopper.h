// Judges running trials by `early_terminate`, and notices when a metric's target is reached. What
// it decides depends on the stored values of metrics alone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrate/search/stopping.h"
#include "orchestrate/store/store.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

class Stopper {
 public:
  // `histories` of earlier runs; what a trial has reported there counts as judged.
  Stopper(const SweepPlan& plan, const std::vector<TrialHistory>& histories);

  // An attempt of a running trial reported this record of its spool.
  void absorb(const PlannedTrial& trial, int attempt, const Record& record);
  void finish(const PlannedTrial& trial, TrialState state);
  // The trial is trained again from scratch: what it reported does not count.
  void forget(const PlannedTrial& trial);

  // Judges what the trial reported since it was judged last. The decision as the store keeps it:
  // "rule", "iteration", "value", "threshold", "peers", "reason".
  std::optional<Json> judge(const PlannedTrial& trial);
  // The same for a trial that was stopped before, from its first value on, by the rule of now.
  [[nodiscard]] std::optional<Json> judge_anew(const PlannedTrial& trial) const;

  // Whether the target of the stage's metric is reached: which trial did, and its value.
  struct Reached {
    std::string trial;
    double value = 0;
  };
  [[nodiscard]] std::optional<Reached> target_reached(const std::string& stage) const;

 private:
  struct Value {
    double value = 0;
    int attempt = 0;  // that reported it; 0: one of an earlier run
  };
  struct Known {
    std::map<std::int64_t, Value> values;  // by step, as the view mvn_value has them
    bool done = false;
    std::int64_t judged = 0;  // iterations
    int attempt = 0;          // the latest
    bool goes_on = false;     // it said from which step on it goes on
  };
  static void begin(Known& known, int attempt, const StartRecord& start);
  static void replace_values(Known& known, int attempt, std::int64_t first);
  [[nodiscard]] std::optional<Json> judge(const PlannedTrial& trial, std::int64_t seen) const;
  void note_target(const PlannedTrial& trial, double value);
  // Whether the stage has a rule or a target: of others nothing is kept.
  [[nodiscard]] bool watches(const std::string& stage) const;

  const SweepPlan& plan_;
  std::map<std::string, std::map<std::string, Known>> stages_;  // by stage, by id
  std::map<std::string, Reached> reached_;                      // by stage
};

// What becomes of trials that were stopped in earlier runs.
struct StopReview {
  std::set<std::string> resumed;          // the rules of now would not have stopped these
  std::map<std::string, Json> decisions;  // a rule of now stops these for another reason
};
StopReview review_stops(const SweepPlan& plan, const std::vector<TrialHistory>& histories);

}  // namespace mvn
