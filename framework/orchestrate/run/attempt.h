// One run of one trial, from its order to its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/trial.h"
#include "orchestrate/run/failure.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/workplaces.h"

namespace mvn {

// Times are seconds of the run's clock.
struct Attempt {
  std::size_t trial = 0;  // its index in the plan
  int number = 1;
  Place place;
  TrialPaths paths;
  bool own_program = false;
  bool is_running = false;  // it has been started, and did not only ask for it
  double started = 0;
  double heard_of = 0;              // when its spool last grew
  std::optional<AttemptEnd> end;    // what its spool says of its end
  std::optional<double> objective;  // the last value
  std::optional<Failure> ended_by;  // why the runner told it to end
  std::string reason;               // the same in words
  std::optional<Json> stop;         // why early_terminate told it to end
  std::optional<double> killed_by;  // the time at which it must have ended
  std::int64_t device_peak = 0;     // bytes that it said it took
  bool shared_gpu = false;          // with other trials, at some time
  bool moved = false;               // its place goes away; it goes on elsewhere

  [[nodiscard]] AttemptName name() const { return {trial, number}; }
  [[nodiscard]] std::filesystem::path trial_file() const { return paths.trial_file(number); }
  [[nodiscard]] std::filesystem::path spool() const { return paths.spool(number); }
  [[nodiscard]] std::filesystem::path log() const { return paths.log(number); }
};

}  // namespace mvn
