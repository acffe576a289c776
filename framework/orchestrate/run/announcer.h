// What the user is told about each trial, in words.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "orchestrate/process/course.h"
#include "orchestrate/run/attempt.h"
#include "orchestrate/run/schedule.h"
#include "orchestrate/run/view.h"

namespace mvn {

// What it means that a run changes to `course` while so many trials run.
std::string announcement(Course course, std::size_t running);

class Announcer {
 public:
  // Both outlive it.
  Announcer(const SweepPlan& plan, View& view);

  [[nodiscard]] const std::string& label(std::size_t trial) const { return labels_[trial]; }

  // The plan has more trials than before.
  void relabel();

  void started(const Attempt& attempt);
  // `status` counts it already; `now` is of the clock of `attempt.started`.
  void ended(const Attempt& attempt, const AttemptEnd& end, const RunStatus& status, double now);
  // It is tried again; `with` is what differs then (" with training.micro_batch_size 8") or "".
  void retried(const Attempt& attempt, const AttemptEnd& end, const std::string& with);
  void blocked(const BlockedTrial& blocked, const std::string& reason);
  // It is done, and `names` are all the metrics it reported: not the one of its stage.
  void without_objective(const Attempt& attempt, const std::vector<std::string>& names);
  // What a trial warns of, which holds for others, too; `last`: no more are said.
  void warned(const std::string& message, bool last);
  // Something in its spool is no record, or not one that can be stored.
  void damaged(const Attempt& attempt, const std::string& what);

 private:
  [[nodiscard]] std::string short_label(std::size_t trial) const;

  const SweepPlan& plan_;
  View& view_;
  std::vector<std::string> labels_;
};

}  // namespace mvn
