#include "orchestrate/sessions/comparison.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "common/hashing.h"
#include "common/text.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

const std::set<std::string, std::less<>>& timing_words() {
  static const std::set<std::string, std::less<>> words = {
      "second",  "seconds",  "sec",     "ms",    "time",
      "runtime", "duration", "elapsed", "speed", "throughput"};
  return words;
}

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

double relative(double a, double b) {
  if (same_bits(a, b)) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  const double scale = std::max(std::abs(a), std::abs(b));
  return scale > 0 ? std::abs(a - b) / scale : 0;
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

std::string number(const std::optional<double>& value) {
  return value ? number(*value) : "nothing";
}

std::set<std::string> weight_names(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".safetensors") continue;
    names.insert(entry.path().lexically_relative(folder).string());
  }
  return names;
}

bool matters(const std::string& name) {
  static const std::set<std::string, std::less<>> names = {
      "host", "cpu", "cores", "device", "gpu", "driver", "threads", "torch", "mvn", "libmvn"};
  if (names.contains(name)) return true;
  return std::ranges::any_of(std::array{"plugin.", "data.", "tokenizer.", "weights.", "program."},
                             [&](const char* prefix) { return name.starts_with(prefix); });
}

// A hash is known by its first digits.
std::string shown(const std::string& value) {
  const bool hash =
      value.size() == 64 && value.find_first_not_of("0123456789abcdef") == std::string::npos;
  return hash ? short_id(value) : value;
}

}  // namespace

bool is_timing(const std::string& metric) {
  if (metric == "train/peak_share") return true;
  std::size_t begin = 0;
  while (begin <= metric.size()) {
    const auto end = std::min(metric.find_first_of("/_.-", begin), metric.size());
    if (timing_words().contains(metric.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

Comparison compare_metrics(const MetricValues& before, const MetricValues& now, double tolerance,
                           std::optional<std::int64_t> until) {
  Comparison result;
  std::set<MetricValues::key_type> keys;
  for (const auto* values : {&before, &now}) {
    for (const auto& [key, value] : *values) {
      if (!is_timing(key.first) && (!until || key.second <= *until)) keys.insert(key);
    }
  }
  std::set<std::string> metrics;
  for (const auto& key : keys) {
    ++result.values;
    metrics.insert(key.first);
    Difference difference{key.first, key.second, {}, {}};
    if (const auto found = before.find(key); found != before.end()) {
      difference.before = found->second;
    }
    if (const auto found = now.find(key); found != now.end()) difference.now = found->second;
    const bool both = difference.before && difference.now;
    if (both && same_bits(*difference.before, *difference.now)) continue;
    difference.relative = both ? relative(*difference.before, *difference.now)
                               : std::numeric_limits<double>::infinity();
    if (!result.largest || difference.relative > result.largest->relative) {
      result.largest = difference;
    }
    const bool beyond = difference.relative > tolerance;
    if (beyond && (!result.first || difference.step < result.first->step)) {
      result.first = difference;
    }
  }
  result.metrics = metrics.size();
  return result;
}

std::optional<std::int64_t> last_step(const MetricValues& values) {
  std::optional<std::int64_t> last;
  for (const auto& [key, value] : values) last = std::max(key.second, last.value_or(key.second));
  return last;
}

std::optional<ModelComparison> compare_models(const fs::path& before, const fs::path& now) {
  const auto old_names = weight_names(before);
  const auto new_names = weight_names(now);
  if (old_names.empty() || new_names.empty()) return std::nullopt;
  auto names = old_names;
  names.insert(new_names.begin(), new_names.end());
  ModelComparison result;
  for (const auto& name : names) {
    const bool both = old_names.contains(name) && new_names.contains(name);
    result.files += both ? 1 : 0;
    if (both && sha256_of_file(before / name) == sha256_of_file(now / name)) continue;
    result.different.push_back(name);
  }
  return result;
}

std::vector<std::string> environment_differences(const std::map<std::string, std::string>& before,
                                                 const std::map<std::string, std::string>& now) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : before) {
    const auto found = now.find(name);
    if (!matters(name) || found == now.end() || found->second == value) continue;
    lines.push_back(name + ": " + shown(value) + ", now " + shown(found->second));
  }
  return lines;
}

Verdict verdict_of(const Comparison& metrics, const std::optional<ModelComparison>& models) {
  if (metrics.first || metrics.values == 0) return Verdict::kDifferent;
  const bool same_model = !models || models->different.empty();
  return !metrics.largest && same_model ? Verdict::kBitEqual : Verdict::kWithinTolerance;
}

std::string verdict_text(const Comparison& metrics, const std::optional<ModelComparison>& models,
                         double tolerance) {
  if (metrics.values == 0) return "different: neither recorded a metric to compare";
  if (metrics.first) {
    const auto& first = *metrics.first;
    return "different: first at step " + std::to_string(first.step) + ", " + first.metric + ": " +
           number(first.before) + " against " + number(first.now);
  }
  const auto what = plural(metrics.values, "value") + " of " + plural(metrics.metrics, "metric");
  std::string model = "no model to compare";
  if (models && models->different.empty()) {
    model = "the model (" + plural(models->files, "file") + ")";
  } else if (models) {
    model = "the model's bytes differ in " + models->different.front() +
            (models->different.size() > 1
                 ? " and " + std::to_string(models->different.size() - 1) + " more"
                 : "");
  }
  if (verdict_of(metrics, models) == Verdict::kBitEqual) {
    return "bit-equal: " + what + (models ? " and " : "; ") + model;
  }
  std::string text = "within tolerance (" + number(tolerance) + "): ";
  if (metrics.largest) {
    const auto& largest = *metrics.largest;
    text += "the largest relative difference is " + number(largest.relative) + ", at step " +
            std::to_string(largest.step) + " in " + largest.metric;
  } else {
    text += "the metrics are bit-equal";
  }
  return text + "; " + (models && models->different.empty() ? "bit-equal is " : "") + model;
}

}  // namespace mvn
