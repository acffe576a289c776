// What a sweep may spend in hours, and has spent in all its runs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "orchestrate/store/store.h"
#include "orchestrate/sweep/rules.h"

namespace mvn {

struct Spent {
  double hours = 0;      // during which at least one attempt ran
  double gpu_hours = 0;  // the same for each GPU, added up
};

// Attempts that have not ended yet ran until `now` (milliseconds since 1970 UTC).
Spent spent_by(const std::vector<AttemptSpan>& attempts, std::int64_t now);

// The same, followed as attempts start and end: those of a long sweep are not added up again for
// every one that ends.
class Spending {
 public:
  // `before` are the attempts of earlier runs, all of which have ended.
  explicit Spending(const std::vector<AttemptSpan>& before = {}) : before_(spent_by(before, 0)) {}
  void started(const std::string& device, std::int64_t time);
  void ended(const std::string& device, std::int64_t time);
  [[nodiscard]] Spent until(std::int64_t now) const;

 private:
  // Time during which at least one attempt runs.
  struct Watch {
    int running = 0;
    std::int64_t since = 0;
    std::int64_t milliseconds = 0;
    void start(std::int64_t time);
    void end(std::int64_t time);
    [[nodiscard]] double hours(std::int64_t now) const;
  };

  Spent before_;
  Watch all_;
  std::map<std::string, Watch> gpus_;
};

// Which limit is reached, in words; "" where none is.
std::string limit_reached(const RunCap& cap, const Spent& spent);

}  // namespace mvn
