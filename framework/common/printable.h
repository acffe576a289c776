// Text that came from elsewhere, made harmless where it is printed: a terminal obeys what it is
// sent.
#pragma once

#include <string>
#include <string_view>

namespace mvn {

// One line: control characters, those beyond ASCII that terminals obey and those that reorder a
// line included, become escapes that are seen ("\n", "\u001b"). What is not UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

// The same of several lines: line ends and tabs stay.
std::string printable_lines(std::string_view text);

}  // namespace mvn
