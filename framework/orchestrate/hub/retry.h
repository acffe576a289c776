// When a request that failed is made again, and when no more.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "orchestrate/hub/http.h"
#include "orchestrate/hub/settings.h"

namespace mvn {

class Retry {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Retry(const HubSettings& settings) : settings_(settings) {}

  // Something came: what failed before does not count any more.
  void progress() { failures_ = 0; }
  // After a request that failed: false where it is not worth another one. Sets when that is due.
  bool again(const HttpEnd& end);
  // The same after an answer that was not what it should be.
  bool again_soon();
  [[nodiscard]] bool is_due() const { return Clock::now() >= due_; }
  [[nodiscard]] Clock::time_point due() const { return due_; }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  void pause(double seconds);

  const HubSettings& settings_;
  int failures_ = 0;  // in a row
  Clock::time_point due_ = {};
};

}  // namespace mvn
