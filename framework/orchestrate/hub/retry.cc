#include "orchestrate/hub/retry.h"

#include <algorithm>
#include <cmath>

#include "orchestrate/hub/answer.h"

namespace mvn {
namespace {

constexpr double kLongestPause = 60;
// Who is asked to wait longer than this is told so instead.
constexpr double kLongestWait = 600;

}  // namespace

void Retry::pause(double seconds) {
  due_ = Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

bool Retry::again_soon() {
  if (++failures_ >= settings_.tries) return false;
  pause(std::min(kLongestPause, settings_.pause_seconds * std::ldexp(1.0, failures_ - 1)));
  return true;
}

bool Retry::again(const HttpEnd& end) {
  if (!is_worth_another_try(end) || !again_soon()) return false;
  const auto asked = wait_asked_for(end.head);
  if (!asked) return true;
  if (*asked > kLongestWait) return false;
  pause(*asked);
  return true;
}

}  // namespace mvn
