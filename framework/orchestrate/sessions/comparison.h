// Whether a trial that ran twice did the same both times.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrate/store/reader.h"

namespace mvn {

// Metrics of how fast something went differ from run to run. By their names: one of the words
// `second`, `seconds`, `sec`, `ms`, `time`, `runtime`, `duration`, `elapsed`, `speed`, `throughput`
// (words are parted by '/', '_', '.' and '-'), or train/peak_share.
bool is_timing(const std::string& metric);

struct Difference {
  std::string metric;
  std::int64_t step = 0;
  std::optional<double> before;  // nothing: not recorded then
  std::optional<double> now;
  double relative = 0;  // |before - now| / max(|before|, |now|); infinite where one is missing
};

struct Comparison {
  std::size_t values = 0;             // compared, timings left out
  std::size_t metrics = 0;            // so many different ones
  std::optional<Difference> largest;  // nothing: every value is the same to the last bit
  std::optional<Difference> first;    // by step, of those beyond the tolerance
};

// NaN is equal to NaN, and an infinity to itself. Where `until` is given, what was recorded after
// that step does not count.
Comparison compare_metrics(const MetricValues& before, const MetricValues& now, double tolerance,
                           std::optional<std::int64_t> until = {});

// The last step at which something was recorded; nothing where nothing was.
std::optional<std::int64_t> last_step(const MetricValues& values);

struct ModelComparison {
  std::size_t files = 0;               // *.safetensors that both have
  std::vector<std::string> different;  // names of those whose bytes differ, or that one has alone
};

// Compares two folders of weights; nothing where one of them holds none.
std::optional<ModelComparison> compare_models(const std::filesystem::path& before,
                                              const std::filesystem::path& now);

// "torch: 2.11.0, now 2.12.0": a line for each thing of the environment that is another one and
// may matter. Values of more than 12 digits of a hash are cut.
std::vector<std::string> environment_differences(const std::map<std::string, std::string>& before,
                                                 const std::map<std::string, std::string>& now);

enum class Verdict { kBitEqual, kWithinTolerance, kDifferent };
Verdict verdict_of(const Comparison& metrics, const std::optional<ModelComparison>& models);
// One line: the verdict and what it rests on.
std::string verdict_text(const Comparison& metrics, const std::optional<ModelComparison>& models,
                         double tolerance);

}  // namespace mvn
