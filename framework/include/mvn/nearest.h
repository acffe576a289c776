// The nearest known name to one that is not known, for error messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mvn {

// The candidate within a small edit distance of `name` (transpositions count one), or "".
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// "; did you mean 'mamba'?" or "", followed by " (known: a, b, c)" when there are at most 12.
std::string suggest(std::string_view name, std::span<const std::string> candidates);

}  // namespace mvn
