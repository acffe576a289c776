#include "orchestrate/run/failure.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>

#include "common/disk_full.h"
#include "common/text.h"
#include "mvn/error.h"
#include "orchestrate/process/run_to_end.h"

namespace mvn {
namespace {

constexpr int kDiskFullRetries = 10;        // each after there was space again
constexpr std::size_t kLinesOfAnError = 3;  // of a log: what a traceback ends with

// What PyTorch, JAX, CUDA, Python and the C++ library say when memory runs out, from a program with
// exit codes of its own.
bool speaks_of_memory(const std::string& text) {
  constexpr std::array<std::string_view, 10> kWords = {
      "CUDA out of memory",     "CUDA error: out of memory",  "HIP out of memory",
      "OutOfMemoryError",       "CUBLAS_STATUS_ALLOC_FAILED", "MemoryError",
      "Cannot allocate memory", "can't allocate memory",      "std::bad_alloc",
      "RESOURCE_EXHAUSTED"};
  return std::ranges::any_of(
      kWords, [&](std::string_view words) { return text.find(words) != std::string::npos; });
}

Failure failure_of_code(const AttemptEnd& end) {
  const auto said = end.message + end.log_tail;
  if (end.exit_code == kDiskFullCode) return Failure::kDiskFull;
  switch (static_cast<ExitCode>(end.exit_code.value_or(1))) {
    case ExitCode::kBadConfig:
      return Failure::kConfiguration;
    case ExitCode::kOutOfMemory:
      return Failure::kOutOfMemory;
    case ExitCode::kBadData:
      return Failure::kData;
    default:
      if (speaks_of_memory(said)) return Failure::kOutOfMemory;
      return said.find("No space left on device") != std::string::npos ? Failure::kDiskFull
                                                                       : Failure::kCrash;
  }
}

// "step 12 of 30" and "step 7 of 30" are one error, "lr 1e-05" and "lr 0.001", and two addresses
// or folders that are named by hashes.
std::string without_numbers(const std::string& text) {
  static const std::regex number(
      R"(0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b|[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)");
  return std::regex_replace(text, number, "#");
}

std::string with_last_lines(const AttemptEnd& end, std::size_t lines) {
  if (end.explained || end.log_tail.empty()) return end.message;
  return end.message + ": " + last_lines(end.log_tail, lines);
}

}  // namespace

Failure failure_of(const AttemptEnd& end, std::optional<Failure> ended_by) {
  if (end.state == TrialState::kDone) return Failure::kNone;
  if (ended_by) return *ended_by;
  if (end.state == TrialState::kDiverged) return Failure::kDiverged;
  if (end.state != TrialState::kFailed) return Failure::kNone;
  if (!end.signal) return failure_of_code(end);
  const int signal = *end.signal;
  const bool from_outside = signal == SIGKILL || signal == SIGTERM || signal == SIGHUP ||
                            signal == SIGINT || signal == SIGPWR;
  return from_outside ? Failure::kNode : Failure::kCrash;
}

int retries_after(Failure failure, const RetryRules& rules) {
  switch (failure) {
    case Failure::kCrash:
      return rules.crash;
    case Failure::kOutOfMemory:
      return rules.oom;
    case Failure::kNode:
      return rules.node;
    case Failure::kHang:
      return rules.hang;
    case Failure::kTimeout:
      return rules.timeout;
    case Failure::kDiverged:
      return rules.diverged;
    case Failure::kDiskFull:
      return kDiskFullRetries;
    default:
      return 0;
  }
}

bool RetryLedger::again(std::size_t trial, Failure failure) {
  return ++counts_[{trial, failure}] <= retries_after(failure, rules_);
}

std::string error_of(const AttemptEnd& end) { return with_last_lines(end, kLinesOfAnError); }

std::string headline_of(const AttemptEnd& end) { return with_last_lines(end, 1); }

bool RepeatedErrors::add(const std::string& configuration, const std::string& error) {
  if (most_ == 0) return false;
  auto& configurations = configurations_[without_numbers(error)];
  configurations.insert(configuration);
  return configurations.size() >= static_cast<std::size_t>(most_);
}

}  // namespace mvn
