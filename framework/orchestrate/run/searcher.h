// Draws the trials of a method that learns, such as `method: bayes`, while a sweep runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "orchestrate/run/schedule.h"
#include "orchestrate/search/draw_method.h"
#include "orchestrate/store/store.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

class Searcher {
 public:
  // What it takes from the rest of the runner. `check` throws SweepErrors where a worker refuses
  // one of the trials.
  struct Parts {
    SweepPlan& plan;
    Schedule& schedule;
    Store& store;
    std::function<void(const std::vector<const PlannedTrial*>& trials)> check;
  };
  explicit Searcher(Parts parts) : parts_(std::move(parts)) {}

  // Draws where a search has draws left and none of its trials waits to start: each draw is written
  // to the store, then its trials to the plan and the schedule. Returns how many trials were added.
  // Throws SweepErrors where a draw makes no valid configuration.
  std::size_t draw();

 private:
  std::size_t draw(const std::string& stage);
  [[nodiscard]] Point next_point(const std::string& stage) const;
  [[nodiscard]] bool waits(const std::string& stage) const;

  Parts parts_;
};

// How many trials the searches of a plan have yet to draw, as far as is known: with every seed.
std::size_t trials_to_draw(const SweepPlan& plan);

// What a search knows of its draws: the mean of what ended well of each draw's trials.
std::vector<Observation> observe(const PlannedSearch& search, bool maximize,
                                 const std::vector<TrialHistory>& histories);

}  // namespace mvn
