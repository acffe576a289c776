#include "orchestrate/exports/times.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace mvn {
namespace {

constexpr std::int64_t kThousand = 1000;

// Of a time before 1970, too.
std::int64_t rest_of_second(std::int64_t milliseconds) {
  return ((milliseconds % kThousand) + kThousand) % kThousand;
}

}  // namespace

double in_seconds(std::int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

std::string utc_time(std::int64_t milliseconds, const char* format) {
  const std::time_t seconds = (milliseconds - rest_of_second(milliseconds)) / kThousand;
  std::tm parts{};
  // A year that no calendar has, of a database from anywhere.
  if (::gmtime_r(&seconds, &parts) == nullptr) parts = {};
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string iso_time(std::int64_t milliseconds) {
  std::array<char, 8> rest{};
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(rest_of_second(milliseconds)));
  return utc_time(milliseconds, "%Y-%m-%dT%H:%M:%S") + rest.data();
}

}  // namespace mvn
