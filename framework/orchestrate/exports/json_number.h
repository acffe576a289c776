// Numbers of JSON for programs that have doubles alone.
#pragma once

#include <cstdint>

#include "common/json.h"

namespace mvn {

// Whether it is a number, and as a double still the same one.
inline bool is_double(const Json& value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53U;
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kExact);
  }
  if (!value.is_number_integer()) return value.is_number_float();
  return value.get<std::int64_t>() >= -kExact && value.get<std::int64_t>() <= kExact;
}

}  // namespace mvn
