// JSON as the whole project uses it: nlohmann's, its objects sorted by key, and the conversion to
// the SDK's Value.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "mvn/value.h"

namespace mvn {

using Json = nlohmann::json;

// How deep lists and objects may nest in a text from outside. Much of what works through JSON does
// so recursively: a hostile text must not exhaust the stack.
inline constexpr int kMaxJsonDepth = 100;

// Parses the file as parse_json() does; throws Error when it cannot be read.
Json read_json(const std::filesystem::path& path);

// Parses what comes from outside: a file, a spool, a column of a database. `where` says which.
// Throws DataError "where:line:column: ..." when it is not JSON, or nests more than kMaxJsonDepth
// deep (the message names the key).
Json parse_json(std::string_view text, const std::string& where);

// The same where such a text is no error; is_discarded() then.
Json try_parse_json(std::string_view text);

// Whether a text nests more than kMaxJsonDepth deep.
bool nests_too_deeply(std::string_view text);

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

}  // namespace mvn
