#include "orchestrate/run/run_status.h"

#include <algorithm>

namespace mvn {

void TrialProgress::absorb(const Record& record) {
  if (const auto* start = record.as<StartRecord>()) {
    resumed_step = step = start->resumed_step.value_or(0);
    reported = resumed_step > 0;
  } else if (const auto* progress = record.as<ProgressRecord>()) {
    steps = progress->steps.value_or(steps);
    step = std::max(step, progress->step);
    reported = true;
  } else if (const auto* metric = record.as<MetricRecord>()) {
    // A program may count its metrics otherwise than its progress.
    if (steps == 0 || metric->step <= steps) step = std::max(step, metric->step);
    reported = true;
    const auto found = metric->values.find("train/loss");
    if (found != metric->values.end()) loss = found->second;
  }
}

double TrialProgress::fraction() const {
  const std::int64_t all = all_steps();
  if (all <= 0) return 0;
  return std::clamp(static_cast<double>(step) / static_cast<double>(all), 0.0, 1.0);
}

double TrialProgress::rate(double now) const {
  const double seconds = now - started;
  return seconds > 0 ? static_cast<double>(step - resumed_step) / seconds : 0;
}

std::optional<double> TrialProgress::remaining(double now) const {
  const double speed = rate(now);
  if (speed <= 0 || all_steps() <= 0) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(all_steps() - step, 0)) / speed;
}

double RunStatus::fraction() const {
  if (to_run == 0) return 1;
  double sum = static_cast<double>(ended);
  for (const auto& [place, trial] : running) sum += trial.fraction();
  return std::clamp(sum / static_cast<double>(to_run), 0.0, 1.0);
}

double RunStatus::rate(double now) const {
  double sum = 0;
  for (const auto& [place, trial] : running) sum += trial.rate(now);
  return sum;
}

std::optional<double> RunStatus::remaining(double now) const {
  // What earlier runs did of a resumed trial took none of this run's time.
  double before = skipped;
  for (const auto& [place, trial] : running) {
    if (trial.steps > 0) {
      before += static_cast<double>(trial.resumed_step) / static_cast<double>(trial.steps);
    }
  }
  const auto all = static_cast<double>(to_run);
  const double worked = fraction() * all - before;
  if (worked <= 0 || now <= started) return std::nullopt;
  return (1 - fraction()) * all * (now - started) / worked;
}

}  // namespace mvn
