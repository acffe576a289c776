#include "orchestrate/page/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mvn {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

using Values = std::vector<double>;  // of the seeds at a step

std::map<std::int64_t, Values> values_by_step(Database& db, const std::vector<CurveTrial>& trials,
                                              std::int64_t metric) {
  std::map<std::int64_t, Values> steps;
  for (const auto& trial : trials) {
    db.each(
        "SELECT step, value FROM mvn_value WHERE trial = ?1 AND name = ?2 ORDER BY step",
        [&](SQLite::Statement& row) {
          auto& values = steps[row.getColumn(0).getInt64()];
          if (!row.isColumnNull(1)) values.push_back(row.getColumn(1).getDouble());
        },
        trial.row, metric);
  }
  return steps;
}

CurvePoint point_of(std::int64_t step, const Values& values) {
  CurvePoint point{.step = step,
                   .mean = kNone,
                   .n = static_cast<std::int64_t>(values.size()),
                   .sd = kNone,
                   .low = kNone,
                   .high = kNone};
  if (values.empty()) return point;
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  point.mean = sum / count;
  point.low = *std::ranges::min_element(values);
  point.high = *std::ranges::max_element(values);
  if (values.size() < 2) return point;
  double squares = 0;
  for (const double value : values) squares += (value - point.mean) * (value - point.mean);
  point.sd = std::sqrt(squares / (count - 1));
  return point;
}

// Seven digits are more than a picture shows, and half of the file.
Json rounded(double number) {
  if (!std::isfinite(number)) return nullptr;
  if (number == 0) return 0.0;
  const double digits = 6 - std::floor(std::log10(std::abs(number)));
  if (std::abs(digits) > 15) return number;
  const double scale = std::pow(10, std::abs(digits));
  return digits >= 0 ? std::round(number * scale) / scale : std::round(number / scale) * scale;
}

bool is_running(const CurveTrial& trial) { return trial.state == "running"; }

// What the curve of a trial that does not run depends on.
std::string signature_of(const std::vector<CurveTrial>& trials) {
  std::string text;
  for (const auto& trial : trials) {
    text.append(std::to_string(trial.row)).append(trial.state);
    text.append(std::to_string(trial.attempts)).append(";");
  }
  return text;
}

}  // namespace

MetricCurve read_curve(Database& db, const std::vector<CurveTrial>& trials, std::int64_t metric) {
  MetricCurve curve;
  for (const auto& [step, values] : values_by_step(db, trials, metric)) {
    curve.push_back(point_of(step, values));
  }
  return curve;
}

Json json_of(const MetricCurve& curve, std::size_t most) {
  Json json = {{"step", Json::array()}, {"mean", Json::array()}, {"n", Json::array()}};
  const auto kept = thinned(curve, most);
  const bool spread = std::ranges::any_of(kept, [](const auto& point) { return point.n > 1; });
  bool constant = true;
  for (const auto& point : kept) {
    json["step"].push_back(point.step);
    json["mean"].push_back(rounded(point.mean));
    json["n"].push_back(point.n);
    constant = constant && point.n == kept.front().n;
    if (!spread) continue;
    json["sd"].push_back(rounded(point.sd));
    json["low"].push_back(rounded(point.low));
    json["high"].push_back(rounded(point.high));
  }
  if (constant) json["n"] = kept.empty() ? 0 : kept.front().n;
  if (kept.size() < curve.size()) json["from"] = curve.size();
  return json;
}

const Json& CurveCache::curve(Database& db, const std::string& name,
                              const std::vector<CurveTrial>& trials, std::int64_t metric,
                              std::size_t most) {
  auto& entry = entries_[name + ' ' + std::to_string(metric) + ' ' + std::to_string(most)];
  auto signature = signature_of(trials);
  if (entry.json.is_null() || entry.signature != signature ||
      std::ranges::any_of(trials, is_running)) {
    entry.json = json_of(read_curve(db, trials, metric), most);
    entry.signature = std::move(signature);
  }
  return entry.json;
}

}  // namespace mvn
