// What kind of failure ended an attempt, and what to do about it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "orchestrate/store/store.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

enum class Failure {
  kNone,  // it ended well, or was interrupted
  kConfiguration,
  kData,
  kCrash,
  kOutOfMemory,
  kNode,  // killed from outside
  kDiskFull,
  kHang,
  kTimeout,
  kDiverged,
};

// `ended_by` is why the runner itself ended the attempt, where it did.
Failure failure_of(const AttemptEnd& end, std::optional<Failure> ended_by);

// How often a trial is run again after this.
int retries_after(Failure failure, const RetryRules& rules);

// Counts the failures of each trial.
class RetryLedger {
 public:
  explicit RetryLedger(const RetryRules& rules) : rules_(rules) {}
  // Notes a failure; true where the trial is to run again.
  bool again(std::size_t trial, Failure failure);

 private:
  RetryRules rules_;
  std::map<std::pair<std::size_t, Failure>, int> counts_;
};

// What went wrong, in words: the message where somebody said why, else with the last lines of the
// log, where a program's traceback ends.
std::string error_of(const AttemptEnd& end);
// The same in a line.
std::string headline_of(const AttemptEnd& end);

// Notices that everything fails for one reason.
class RepeatedErrors {
 public:
  // `most` as RetryRules::same_error.
  explicit RepeatedErrors(int most) : most_(most) {}
  // Notes that a trial of this configuration (whatever its seed) failed with this error without
  // ever having reported anything; true once as many configurations did as are tried. Numbers and
  // hashes in errors do not count.
  bool add(const std::string& configuration, const std::string& error);

 private:
  int most_;
  std::map<std::string, std::set<std::string>> configurations_;  // by error
};

}  // namespace mvn
