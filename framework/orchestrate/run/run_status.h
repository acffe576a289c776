// Where a run stands, as the progress display shows it. Times are seconds of one steady clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/records.h"
#include "orchestrate/process/course.h"

namespace mvn {

struct TrialProgress {
  std::string label;
  double started = 0;
  std::int64_t resumed_step = 0;
  std::int64_t step = 0;
  std::int64_t steps = 0;        // 0: not known
  std::int64_t usual_steps = 0;  // that trials like it took, where it does not say; 0: not known
  bool reported = false;  // a step, by `progress` or, where that says nothing, by its metrics
  std::optional<double> loss;

  // Takes a record of the trial's spool in.
  void absorb(const Record& record);
  // How many steps it has, as far as is known; 0 where nobody knows.
  [[nodiscard]] std::int64_t all_steps() const { return steps > 0 ? steps : usual_steps; }
  // 0..1 of its steps.
  [[nodiscard]] double fraction() const;
  // Steps a second since it started; 0 before the first.
  [[nodiscard]] double rate(double now) const;
  // Seconds left at that rate; nothing before there is one.
  [[nodiscard]] std::optional<double> remaining(double now) const;
};

struct RunStatus {
  std::string sweep;
  std::size_t trials = 0;  // of the sweep
  std::size_t done = 0;    // ended well, in this run or before, diverged ones included
  std::size_t failed = 0;  // failed in this run, and those blocked by that
  std::size_t to_run = 0;  // what this run has to do
  std::size_t ended = 0;   // of those
  double skipped = 0;      // trials' worth of steps that ended trials had done in earlier runs
  double started = 0;
  Course course = Course::kRunning;
  std::map<std::size_t, TrialProgress> running;  // by place

  // 0..1 of what this run has to do.
  [[nodiscard]] double fraction() const;
  [[nodiscard]] double rate(double now) const;
  // Seconds left at the speed so far; nothing before there is a speed.
  [[nodiscard]] std::optional<double> remaining(double now) const;
};

}  // namespace mvn
