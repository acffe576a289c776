#include "orchestrate/launch/run_status.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mvn {
namespace {

template <typename... Arguments>
std::string format(const char* pattern, Arguments... arguments) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, arguments...);
  return text.data();
}

std::int64_t integer(const Json& record, const char* name, std::int64_t otherwise) {
  const auto found = record.find(name);
  return found != record.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                             : otherwise;
}

}  // namespace

void TrialProgress::absorb(const Json& record) {
  const auto type = record.value("type", std::string());
  if (type == "start") {
    resumed_step = step = integer(record, "resumed_step", 0);
  } else if (type == "progress" || type == "metric") {
    step = std::max(step, integer(record, "step", step));
    steps = integer(record, "steps", steps);
  }
  if (type != "metric" || !record.contains("values")) return;
  const auto& values = record["values"];
  if (!values.is_object() || !values.contains("train/loss")) return;
  try {
    loss = number_from_json(values["train/loss"]);
  } catch (const std::exception&) {
    // The store reports records that do not hold what they should.
  }
}

double TrialProgress::fraction() const {
  if (steps <= 0) return 0;
  return std::clamp(static_cast<double>(step) / static_cast<double>(steps), 0.0, 1.0);
}

double TrialProgress::rate(double now) const {
  const double seconds = now - started;
  return seconds > 0 ? static_cast<double>(step - resumed_step) / seconds : 0;
}

std::optional<double> TrialProgress::remaining(double now) const {
  const double speed = rate(now);
  if (speed <= 0 || steps <= 0) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(steps - step, 0)) / speed;
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

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string duration_text(double seconds) {
  if (seconds < 60) return format("%.1f s", seconds);
  const auto whole = static_cast<long long>(seconds);
  if (whole < 3600) return format("%lldm %02llds", whole / 60, whole % 60);
  if (whole < 86400) return format("%lldh %02lldm", whole / 3600, whole % 3600 / 60);
  return format("%lldd %02lldh", whole / 86400, whole % 86400 / 3600);
}

std::string rate_text(double rate) {
  if (rate >= 100) return format("%.0f", rate);
  return rate >= 10 ? format("%.1f", rate) : format("%.2f", rate);
}

std::string short_number(double number) { return format("%.4g", number); }

}  // namespace mvn
