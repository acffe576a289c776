// A number as a table's cell holds it.
#pragma once

#include <charconv>
#include <cmath>
#include <string>

#include "mvn/error.h"

namespace mvn {

// Throws DataError `what` + "'x' is no number".
inline double number_in_cell(const std::string& text, const std::string& what) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc() && end == last && std::isfinite(number)) return number;
  throw DataError(what + "'" + text + "' is no number");
}

}  // namespace mvn
