// JSON as the whole project uses it: nlohmann's, its objects sorted by key, and the conversion to
// the SDK's Value.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "mvn/value.h"

namespace mvn {

using Json = nlohmann::json;

// Parses the file; throws DataError "file:line:column: ..." when it is not JSON, Error when it
// cannot be read.
Json read_json(const std::filesystem::path& path);

// The number that a parser found beyond what a double holds ("1e400"), out of its exception.
std::string overflowing_number(const nlohmann::detail::out_of_range& error);

// One text for equal values whatever their order or spelling: sorted keys, no spaces, floats in
// their shortest round-trip form. What a trial's identity is the hash of.
std::string canonical_json(const Json& json);

Value to_value(const Json& json);
Json to_json(const Value& value);

// A number that may be NaN or infinite, which JSON cannot hold: those become "NaN", "Infinity",
// "-Infinity".
Json number_to_json(double number);
// The inverse; throws Error for anything else.
double number_from_json(const Json& json);

// Whether lists and objects nest more than `limit` deep. What works through foreign JSON
// recursively asks this first, so that a hostile file cannot exhaust the stack. For any of
// nlohmann's types.
template <typename AnyJson>
bool deeper_than(const AnyJson& json, int limit) {
  if (!json.is_structured()) return false;
  if (limit == 0) return true;
  for (const auto& item : json) {
    if (deeper_than(item, limit - 1)) return true;
  }
  return false;
}

// Recursively lays `over` upon `base`: maps merge, everything else (lists too) replaces.
void deep_merge(Json& base, const Json& over);

}  // namespace mvn
