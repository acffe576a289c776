// YAML text -> Node, with the place of every key and value.
#pragma once

#include <memory>
#include <string>

#include "orchestrate/sweep/node.h"
#include "orchestrate/sweep/problem_list.h"

namespace mvn {

enum class YamlDialect {
  kSweep,   // merge keys and tags are problems
  kPython,  // they mean what they mean to PyYAML; a number's text is left as it is
};

// One YAML document (an empty text is a null node). Duplicate keys and keys that are no scalars are
// problems; so is a syntax error, which makes the result null.
Node read_yaml(const std::string& text, const std::shared_ptr<const Source>& source,
               ProblemList& problems, YamlDialect dialect = YamlDialect::kSweep);

}  // namespace mvn
