// What the exit codes of mvn/error.h mean for the worker that a trial ended in.
#pragma once

#include "mvn/error.h"

namespace mvn {

// Whether a persistent worker takes another trial: after these the process is as good as new;
// memory may be fragmented, or worse, after all others, and a fresh worker takes its place.
constexpr bool worker_survives(int exit_code) {
  switch (static_cast<ExitCode>(exit_code)) {
    case ExitCode::kDone:
    case ExitCode::kBadConfig:
    case ExitCode::kDiverged:
    case ExitCode::kBadData:
      return true;
    default:
      return false;
  }
}

}  // namespace mvn
