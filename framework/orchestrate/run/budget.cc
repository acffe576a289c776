#include "orchestrate/run/budget.h"

#include <algorithm>
#include <utility>

#include "common/text.h"

namespace mvn {
namespace {

constexpr double kHour = 3600e3;  // milliseconds

using Interval = std::pair<std::int64_t, std::int64_t>;

// How long at least one of the intervals lasts.
double covered_hours(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end());
  std::int64_t sum = 0;
  std::int64_t until = 0;
  for (const auto& [from, to] : intervals) {
    if (to > until) sum += to - std::max(from, until);
    until = std::max(until, to);
  }
  return static_cast<double>(sum) / kHour;
}

std::string text(const char* key, double most, double spent) {
  return std::string("run_cap.") + key + " " + short_number(most) + " is spent (" +
         short_number(spent) + ")";
}

}  // namespace

Spent spent_by(const std::vector<AttemptSpan>& attempts, std::int64_t now) {
  std::vector<Interval> all;
  std::map<std::string, std::vector<Interval>> by_gpu;
  for (const auto& attempt : attempts) {
    const Interval interval = {attempt.started, attempt.ended.value_or(now)};
    all.push_back(interval);
    if (attempt.device.starts_with("cuda")) by_gpu[attempt.device].push_back(interval);
  }
  Spent spent{covered_hours(std::move(all)), 0};
  for (auto& [gpu, intervals] : by_gpu) spent.gpu_hours += covered_hours(std::move(intervals));
  return spent;
}

void Spending::Watch::start(std::int64_t time) {
  if (running++ == 0) since = time;
}

void Spending::Watch::end(std::int64_t time) {
  if (--running == 0) milliseconds += std::max<std::int64_t>(0, time - since);
}

double Spending::Watch::hours(std::int64_t now) const {
  const auto open = running > 0 ? std::max<std::int64_t>(0, now - since) : 0;
  return static_cast<double>(milliseconds + open) / kHour;
}

void Spending::started(const std::string& device, std::int64_t time) {
  all_.start(time);
  if (device.starts_with("cuda")) gpus_[device].start(time);
}

void Spending::ended(const std::string& device, std::int64_t time) {
  all_.end(time);
  if (device.starts_with("cuda")) gpus_[device].end(time);
}

Spent Spending::until(std::int64_t now) const {
  Spent spent = before_;
  spent.hours += all_.hours(now);
  for (const auto& [gpu, watch] : gpus_) spent.gpu_hours += watch.hours(now);
  return spent;
}

std::string limit_reached(const RunCap& cap, const Spent& spent) {
  if (cap.hours > 0 && spent.hours >= cap.hours) return text("hours", cap.hours, spent.hours);
  if (cap.gpu_hours > 0 && spent.gpu_hours >= cap.gpu_hours) {
    return text("gpu_hours", cap.gpu_hours, spent.gpu_hours);
  }
  return "";
}

}  // namespace mvn
