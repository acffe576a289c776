// The learning rate of each step.
#pragma once

#include <cstdint>
#include <string>

#include "train/recipe/sections.h"

namespace mvn {

// Warm-up rises linearly and reaches the peak with its last step: (step + 1) / warm-up. The decay
// then runs from the peak to the floor, which it reaches at `decay_steps` and keeps.
//
// With decay_from "start" the decay runs from step 0 and the warm-up multiplies it by
// step / warm-up, as EleutherAI's gpt-neo does (optimizers.py): its first step has rate 0.
class Schedule {
 public:
  // Throws ConfigError("schedule.min_lr") where the floor is above the peak.
  Schedule(const ScheduleOptions& options, double peak, std::int64_t steps);

  // The learning rate of step 0, 1, ..., steps - 1.
  [[nodiscard]] double at(std::int64_t step) const;
  [[nodiscard]] double peak() const { return peak_; }
  [[nodiscard]] std::int64_t warmup_steps() const { return warmup_; }

 private:
  // The rate after `done` of `total` steps of decay.
  [[nodiscard]] double decayed(std::int64_t done, std::int64_t total) const;

  std::string name_;
  bool decay_from_start_;
  double peak_;
  double floor_;
  std::int64_t warmup_;
  std::int64_t decay_end_;
};

}  // namespace mvn
