// Regular expressions as PEFT's users write them: Python's.
#pragma once

#include <regex>
#include <string>

namespace mvn {

// `pattern` for std::regex_match (Python's re.fullmatch) over module names. Throws Error naming
// what Python would understand and this cannot, so that nothing silently means something else.
std::regex compile_python_regex(const std::string& pattern);

}  // namespace mvn
