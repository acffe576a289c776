#include "pattern.h"

#include <string_view>

#include "mvn/error.h"

namespace mvn {
namespace {

[[noreturn]] void refuse(const std::string& pattern, const std::string& what) {
  throw Error("the regular expression '" + pattern + "' uses " + what + ", which is not supported");
}

// std::regex reads an unknown escape as the letter itself, Python gives some of them a meaning
// (\A, \Z) and refuses the others.
void check_escape(const std::string& pattern, char escaped) {
  constexpr std::string_view kLettersAndDigits = "dDsSwWbBnrtfv123456789";
  if (std::isalnum(static_cast<unsigned char>(escaped)) != 0 &&
      kLettersAndDigits.find(escaped) == std::string_view::npos) {
    refuse(pattern, std::string("\\") + escaped);
  }
}

}  // namespace

std::regex compile_python_regex(const std::string& pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      check_escape(pattern, pattern[++i]);
    } else if (pattern[i] == '[' && pattern.compare(i, 3, "[[:") == 0) {
      refuse(pattern, "[[:");
    } else if (pattern.compare(i, 2, "(?") == 0) {
      const char kind = i + 2 < pattern.size() ? pattern[i + 2] : '\0';
      if (kind != ':' && kind != '=' && kind != '!') {
        refuse(pattern, "'" + pattern.substr(i, 3) + "'");
      }
    }
  }
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error&) {
    throw Error("'" + pattern + "' is not a valid regular expression");
  }
}

}  // namespace mvn
