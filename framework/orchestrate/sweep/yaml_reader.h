// YAML text -> Node, with the place of every key and value.
#pragma once

#include <memory>
#include <string>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

// One YAML document (an empty text is a null node). Duplicate keys, keys that are no scalars and
// tags are problems; so is a syntax error, which makes the result null.
Node read_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
               ProblemList& problems);

}  // namespace mvn
