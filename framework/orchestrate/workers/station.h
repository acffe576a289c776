// A place where trials run, the worker in it, and the trial that the worker has.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/trial.h"
#include "orchestrate/run/failure.h"
#include "orchestrate/store/store.h"
#include "orchestrate/workers/slots.h"
#include "orchestrate/workers/worker.h"

namespace mvn {

// One run of one trial, from its hand-over to its end. Times are seconds of the run's clock.
struct Attempt {
  std::size_t trial = 0;  // its index in the plan
  int number = 1;
  TrialPaths paths;
  double started = 0;
  std::optional<AttemptEnd> end;  // what its spool says of its end
  std::optional<double> objective;
  double heard_of = 0;              // when its spool last grew
  std::optional<Failure> ended_by;  // why the runner told it to end
  std::string reason;               // the same in words
  std::optional<Json> stop;         // why early_terminate told it to end
  std::optional<double> killed_by;  // the time at which it must have ended
  bool own_program = false;
  std::int64_t device_peak = 0;  // bytes that it said it took
  bool shared_gpu = false;       // with other trials, at some time

  [[nodiscard]] std::filesystem::path trial_file() const { return paths.trial_file(number); }
  [[nodiscard]] std::filesystem::path spool() const { return paths.spool(number); }
  [[nodiscard]] std::filesystem::path log() const { return paths.log(number); }
};

struct Station {
  std::size_t place = 0;
  Slot slot;
  std::unique_ptr<Worker> worker;
  std::optional<Attempt> attempt;
  std::optional<double> leaves_by;  // the worker was told to end; killed after this time

  // Gives the attempt to the worker: to the one that is there, or to a new one started as
  // `persistent` says; a program of the user's is started in `folder`. Throws Error where it cannot
  // be started.
  void hand_over(const Json& config, const ProcessSpec& persistent,
                 const std::filesystem::path& folder);
};

}  // namespace mvn
