#include "orchestrate/store/check_trial.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "common/spool.h"
#include "common/text.h"
#include "common/trial.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

constexpr auto* kRebuildIt = "make the database anew with 'mvn-runner collect --rebuild'";
constexpr std::uint64_t kReadAtOnce = 8U << 20;  // bytes

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::string bytes_of(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

}  // namespace

void TrialCheck::run(const TrialToCheck& trial, CheckReport& report) {
  const auto attempts = attempts_of(trial);
  check_state(trial, attempts, report);
  if (attempts.empty()) return;
  report.attempts += static_cast<std::int64_t>(attempts.size());
  const std::string where = trial.sweep + "/" + short_id(trial.id);
  if (!fs::is_directory(trial_paths(results_, trial.sweep, trial.id).folder)) {
    report.findings.push_back(
        {true, where, "its folder is missing",
         "copy it back if you can: 'collect --rebuild' would lose the trial"});
    return;
  }
  std::vector<Value> values;
  bool whole = true;
  for (const auto& attempt : attempts) whole = read(trial, attempt, values, report) && whole;
  if (whole) check_values(trial, std::move(values), report);
}

std::vector<TrialCheck::Attempt> TrialCheck::attempts_of(const TrialToCheck& trial) {
  std::vector<Attempt> attempts;
  db_.each(
      "SELECT attempt, state, spool_offset, (SELECT count(*) FROM mvn_artifact f"
      "  WHERE f.trial = a.trial AND f.attempt = a.attempt)"
      " FROM mvn_attempt a WHERE trial = ? ORDER BY attempt",
      [&](SQLite::Statement& row) {
        attempts.push_back({row.getColumn(0).getInt(), row.getColumn(1).getString(),
                            static_cast<std::uint64_t>(row.getColumn(2).getInt64()),
                            row.getColumn(3).getInt64()});
      },
      trial.row);
  return attempts;
}

void TrialCheck::check_state(const TrialToCheck& trial, const std::vector<Attempt>& attempts,
                             CheckReport& report) const {
  const std::string where = trial.sweep + "/" + short_id(trial.id);
  if (trial.state == "planned" || trial.state == "blocked") return;
  if (attempts.empty()) {
    report.findings.push_back(
        {true, where, "is " + trial.state + " without an attempt", kRebuildIt});
  } else if (attempts.back().state != trial.state) {
    report.findings.push_back(
        {true, where, "is " + trial.state + ", but its last attempt is " + attempts.back().state,
         kRebuildIt});
  } else if (trial.state == "running" && !at_work_) {
    report.findings.push_back(
        {false, where, "was running when its runner died", "the same command goes on with it"});
  }
}

bool TrialCheck::read(const TrialToCheck& trial, const Attempt& attempt, std::vector<Value>& values,
                      CheckReport& report) {
  const auto spool = trial_paths(results_, trial.sweep, trial.id).spool(attempt.number);
  const std::string where =
      trial.sweep + "/" + short_id(trial.id) + "/attempts/" + std::to_string(attempt.number);
  const auto fault = [&](const std::string& what, const std::string& remedy) {
    report.findings.push_back({true, where, what, remedy});
    return false;
  };
  std::error_code none;
  const auto size = fs::file_size(spool, none);
  if (none && attempt.offset > 0) {
    return fault("its spool is missing",
                 "copy it back if you can: 'collect --rebuild' would lose it");
  }
  if (none) return true;
  if (attempt.offset > size) {
    return fault("its spool has " + bytes_of(size) + ", but " + std::to_string(attempt.offset) +
                     " were taken in",
                 "copy the spool back if you can: 'collect --rebuild' would lose the rest");
  }
  std::uint64_t offset = 0;
  std::int64_t artifacts = 0;
  while (offset < attempt.offset) {
    const auto batch = read_spool(spool, offset, std::min(attempt.offset - offset, kReadAtOnce));
    if (batch.end_offset == offset) break;
    offset = batch.end_offset;
    for (const auto& json : batch.records) {
      const Record record = read_record(json);
      artifacts += record.as<ArtifactRecord>() == nullptr ? 0 : 1;
      const auto* metric = record.as<MetricRecord>();
      if (metric == nullptr) continue;
      for (const auto& [name, value] : metric->values) {
        values.push_back({row_of(name), metric->step, attempt.number, value});
      }
    }
  }
  if (offset != attempt.offset) {
    return fault("what was taken in of its spool ends within a line", kRebuildIt);
  }
  if (artifacts != attempt.artifacts) {
    return fault("its spool names " + std::to_string(artifacts) + " artifacts, the database " +
                     std::to_string(attempt.artifacts),
                 kRebuildIt);
  }
  const bool waits = attempt.state == "running" || at_work_;
  if (!waits && read_spool(spool, offset, 1).end_offset > offset) {
    return fault("its spool has more than was taken in", kRebuildIt);
  }
  return true;
}

void TrialCheck::check_values(const TrialToCheck& trial, std::vector<Value> expected,
                              CheckReport& report) {
  const auto key = [](const Value& value) {
    return std::tuple(value.name, value.step, value.attempt);
  };
  std::ranges::stable_sort(expected, {}, key);
  // Of what is reported twice the later counts.
  std::vector<Value> last;
  for (const auto& value : expected) {
    if (!last.empty() && key(last.back()) == key(value)) last.pop_back();
    last.push_back(value);
  }
  const auto stored = stored_values(trial);
  report.values += static_cast<std::int64_t>(stored.size());
  const auto differs = [&](const Value& a, const Value& b) {
    return key(a) != key(b) || !same(a.value, b.value);
  };
  std::size_t i = 0;
  while (i < last.size() && i < stored.size() && !differs(last[i], stored[i])) ++i;
  if (i == last.size() && i == stored.size()) return;
  const Value& first = i == last.size()                                       ? stored[i]
                       : i == stored.size() || key(last[i]) <= key(stored[i]) ? last[i]
                                                                              : stored[i];
  report.findings.push_back({true, trial.sweep + "/" + short_id(trial.id),
                             "its spools have " + plural(last.size(), "value") +
                                 " of metrics, the database " + std::to_string(stored.size()) +
                                 "; they first differ in " + name_of(first.name) + " at step " +
                                 std::to_string(first.step) + " of attempt " +
                                 std::to_string(first.attempt),
                             kRebuildIt});
}

std::vector<TrialCheck::Value> TrialCheck::stored_values(const TrialToCheck& trial) {
  std::vector<Value> values;
  db_.each(
      "SELECT name, step, attempt, value FROM mvn_metric WHERE trial = ?"
      " ORDER BY name, step, attempt",
      [&](SQLite::Statement& row) {
        values.push_back({row.getColumn(0).getInt64(), row.getColumn(1).getInt64(),
                          row.getColumn(2).getInt(),
                          row.isColumnNull(3) ? std::numeric_limits<double>::quiet_NaN()
                                              : row.getColumn(3).getDouble()});
      },
      trial.row);
  return values;
}

std::int64_t TrialCheck::row_of(const std::string& metric) {
  const auto [found, is_new] = names_.try_emplace(metric, 0);
  if (!is_new) return found->second;
  // One that the database does not have gets a number of its own, which no row of it has.
  found->second = db_.integer("SELECT id FROM mvn_metric_name WHERE name = ?", metric)
                      .value_or(-static_cast<std::int64_t>(names_.size()));
  return found->second;
}

std::string TrialCheck::name_of(std::int64_t row) const {
  const auto found =
      std::ranges::find_if(names_, [&](const auto& each) { return each.second == row; });
  return found == names_.end() ? "metric " + std::to_string(row) : found->first;
}

}  // namespace mvn
