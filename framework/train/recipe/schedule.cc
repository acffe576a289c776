#include "train/recipe/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mvn/error.h"

namespace mvn {
namespace {

std::int64_t warmup_of(const ScheduleOptions& options, std::int64_t steps) {
  if (options.warmup_steps) return *options.warmup_steps;
  if (!options.warmup_ratio) return 0;
  return static_cast<std::int64_t>(std::ceil(*options.warmup_ratio * static_cast<double>(steps)));
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options, double peak, std::int64_t steps)
    : name_(options.name),
      decay_from_start_(options.decay_from_start),
      peak_(peak),
      floor_(options.min_lr ? *options.min_lr : options.min_lr_ratio.value_or(0) * peak),
      warmup_(warmup_of(options, steps)),
      decay_end_(options.decay_steps.value_or(steps)) {
  if (name_ != "constant" && floor_ > peak_) {
    throw ConfigError(
        "schedule.min_lr",
        "is " + std::to_string(floor_) + ", above the peak learning rate " + std::to_string(peak_));
  }
}

double Schedule::at(std::int64_t step) const {
  if (decay_from_start_) {
    const double rate = decayed(step, decay_end_);
    return step < warmup_ ? rate * static_cast<double>(step) / static_cast<double>(warmup_) : rate;
  }
  if (step < warmup_) return peak_ * static_cast<double>(step + 1) / static_cast<double>(warmup_);
  return decayed(step - warmup_, decay_end_ - warmup_);
}

double Schedule::decayed(std::int64_t done, std::int64_t total) const {
  if (name_ == "constant") return peak_;
  if (done >= total) return floor_;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const double left =
      name_ == "linear" ? 1 - share : 0.5 * (1 + std::cos(std::numbers::pi * share));
  return floor_ + (peak_ - floor_) * left;
}

}  // namespace mvn
