// What a sweep may spend in hours, and has spent in all its runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrate/store/store.h"
#include "orchestrate/sweep/plan.h"

namespace mvn {

struct Spent {
  double hours = 0;      // during which at least one attempt ran
  double gpu_hours = 0;  // the same for each GPU, added up
};

// Attempts that have not ended yet ran until `now` (milliseconds since 1970 UTC).
Spent spent_by(const std::vector<AttemptSpan>& attempts, std::int64_t now);

// Which limit is reached, in words; "" where none is.
std::string limit_reached(const RunCap& cap, const Spent& spent);

}  // namespace mvn
