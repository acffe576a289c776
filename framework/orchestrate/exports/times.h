// Times as other programs write them; ours are milliseconds since 1970 UTC.
#pragma once

#include <cstdint>
#include <string>

namespace mvn {

double in_seconds(std::int64_t milliseconds);

// In UTC: "2026-11-30T06:20:04.123Z".
std::string iso_time(std::int64_t milliseconds);
// As strftime(3) writes it, in UTC, to the second.
std::string utc_time(std::int64_t milliseconds, const char* format);

}  // namespace mvn
