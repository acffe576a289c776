// Files of other programs, which have another shape than a sweep file.
#pragma once

#include <string>
#include <vector>

#include "orchestrate/sweep/node.h"

namespace mvn {

// What the file looks like and what helps, where it is another program's; "" otherwise.
// `sections` are those of a trial's configuration.
std::string foreign_file(const Node& root, const std::vector<std::string>& sections);

}  // namespace mvn
