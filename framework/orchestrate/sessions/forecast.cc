#include "orchestrate/sessions/forecast.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <set>

namespace mvn {
namespace {

// A machine is never as busy as it was: by so much a range is wider than what was seen.
constexpr double kMargin = 0.1;
constexpr double kShapeMargin = 0.25;
constexpr double kElsewhereMargin = 0.5;

// The attempts that made the trial what it is: from the last one that began at the first step.
std::vector<PastAttempt> last_run(const PastTrial& trial) {
  auto first = std::find_if(trial.attempts.rbegin(), trial.attempts.rend(),
                            [](const auto& attempt) { return attempt.resumed_step == 0; });
  if (first == trial.attempts.rend()) return trial.attempts;
  return {std::prev(first.base()), trial.attempts.end()};
}

}  // namespace

Forecast::Forecast(const std::vector<PastTrial>& past, Machine machine, KeyRoles roles)
    : machine_(std::move(machine)), roles_(std::move(roles)) {
  for (const auto& trial : past) {
    if (auto run = run_of(trial)) runs_.push_back(std::move(*run));
  }
}

std::optional<Forecast::Run> Forecast::run_of(const PastTrial& trial) const {
  Run run{.group = trial.group, .shape = roles_.shape(trial.config), .config = trial.config};
  run.complete = trial.state == TrialState::kDone;
  run.here = true;
  double steps_done = 0;
  const auto attempts = last_run(trial);
  for (const auto& attempt : attempts) {
    const bool gpu = attempt.device.starts_with("cuda");
    if (gpu != machine_.gpu) return std::nullopt;
    const bool threads = attempt.threads == 0 || attempt.threads == machine_.threads;
    run.here = run.here && attempt.host == machine_.host && (threads || gpu);
    run.steps = std::max(run.steps, attempt.steps);
    run.host_bytes = std::max(run.host_bytes, attempt.peak_host_bytes);
    run.device_bytes = std::max(run.device_bytes, attempt.peak_device_bytes);
    run.checkpoint_bytes = std::max(run.checkpoint_bytes, attempt.peak_checkpoint_bytes);
    if (attempt.seconds_per_step > 0) run.seconds_per_step = attempt.seconds_per_step;
    run.seconds += attempt.seconds;
    steps_done +=
        static_cast<double>(std::max<std::int64_t>(0, attempt.step - attempt.resumed_step));
  }
  const auto steps = static_cast<double>(run.steps);
  if (steps_done <= 0 || steps <= 0) {
    if (!run.complete) return std::nullopt;
    run.seconds = attempts.back().seconds;
  } else if (run.seconds_per_step > 0) {
    // Steps done twice count once, steps not done yet as the others do, and starting up once.
    const double around = std::max(0.0, run.seconds - run.seconds_per_step * steps_done);
    run.seconds = around / static_cast<double>(attempts.size()) + run.seconds_per_step * steps;
  } else {
    run.seconds *= steps / steps_done;
  }
  run.kept_bytes = run.complete ? trial.kept_bytes : 0;
  return run;
}

double Forecast::seconds_like(const Run& run, const Json& config, std::int64_t done_steps) const {
  const auto steps = roles_.steps_like(config, run.config, run.steps);
  if (steps <= 0 || run.steps <= 0) return run.seconds;
  const auto left = static_cast<double>(std::max<std::int64_t>(0, steps - done_steps));
  if (run.seconds_per_step <= 0) return run.seconds * left / static_cast<double>(run.steps);
  const double around = run.seconds - run.seconds_per_step * static_cast<double>(run.steps);
  return std::max(0.0, around) + run.seconds_per_step * left;
}

Prediction Forecast::predict(const PlannedTrial& trial, std::int64_t done_steps) const {
  const Json shape = roles_.shape(trial.config);
  const auto rank = [&](const Run& run) {
    const int likeness = run.group == trial.group ? 0 : run.shape == shape ? 1 : -1;
    if (likeness < 0) return -1;
    return (run.here ? 0 : 4) + 2 * likeness + (run.complete ? 0 : 1);
  };
  int best = 8;
  for (const auto& run : runs_) {
    if (const int each = rank(run); each >= 0) best = std::min(best, each);
  }
  Prediction result;
  if (best == 8) return result;
  result.elsewhere = best >= 4;
  result.basis = best % 4 < 2 ? Basis::kSeeds : Basis::kShape;
  for (const auto& run : runs_) {
    if (rank(run) != best) continue;
    const double seconds = seconds_like(run, trial.config, done_steps);
    auto& range = result.seconds;
    range.low = result.trials == 0 ? seconds : std::min(range.low, seconds);
    range.high = std::max(range.high, seconds);
    range.expected += seconds;
    ++result.trials;
    result.host_bytes = std::max(result.host_bytes, run.host_bytes);
    result.device_bytes = std::max(result.device_bytes, run.device_bytes);
    result.kept_bytes = std::max(result.kept_bytes, run.kept_bytes);
    result.checkpoint_bytes = std::max(result.checkpoint_bytes, run.checkpoint_bytes);
  }
  const double margin = (result.basis == Basis::kSeeds ? kMargin : kShapeMargin) +
                        (result.elsewhere ? kElsewhereMargin : 0);
  result.seconds.expected /= static_cast<double>(result.trials);
  result.seconds.low *= 1 - margin;
  result.seconds.high *= 1 + margin;
  return result;
}

double makespan(const std::vector<Work>& work, std::size_t workers) {
  std::vector<double> ends(work.size(), -1);
  std::set<std::size_t> waiting;
  for (std::size_t i = 0; i < work.size(); ++i) waiting.insert(i);
  using Running = std::pair<double, std::size_t>;  // end, trial
  std::priority_queue<Running, std::vector<Running>, std::greater<>> running;
  const auto ready = [&](std::size_t trial) {
    return std::ranges::all_of(work[trial].after,
                               [&](std::size_t each) { return ends[each] >= 0; });
  };
  double now = 0;
  while (!waiting.empty() || !running.empty()) {
    for (auto each = waiting.begin(); each != waiting.end() && running.size() < workers;) {
      if (!ready(*each)) {
        ++each;
        continue;
      }
      running.emplace(now + work[*each].seconds, *each);
      each = waiting.erase(each);
    }
    if (running.empty()) break;  // what is left waits for itself
    now = running.top().first;
    ends[running.top().second] = now;
    running.pop();
  }
  return now;
}

}  // namespace mvn
