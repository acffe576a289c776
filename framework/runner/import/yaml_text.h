// Values as YAML spells them, on one line.
#pragma once

#include <string>

#include "orchestrate/sweep/node.h"

namespace mvn {

// In double quotes.
std::string quoted(const std::string& text);
// A text so that it stays one.
std::string yaml_text(const std::string& text);
// A tree as it was read, types included.
std::string yaml(const Node& node);

}  // namespace mvn
