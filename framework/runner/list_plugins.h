// `mvn-runner plugins`: what is installed, for people.
#pragma once

#include <ostream>
#include <string>

#include "common/description.h"

namespace mvn {

// Components and the trainer's own sections with their parameters, then the plugins that were
// refused. `name` limits it to the components or the section of that name; throws UsageError with
// the nearest known one when there is none.
void list_plugins(const Description& description, const std::string& name, std::ostream& out);

// The same choice of components and sections, for JSON.
Description only(const Description& description, const std::string& name);

// "int, 16, at least 1" or "text, required".
std::string parameter_summary(const ParamSpec& spec);

}  // namespace mvn
