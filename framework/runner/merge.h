// `mvn-runner merge`: an adapter and its base as one model that needs neither.
#pragma once

#include <ostream>

#include "runner/command_line.h"

namespace mvn {

// Finds the files of the trial, where one is given, and has the worker write the model. Throws
// ConfigError where there is no such trial or nothing to merge.
void merge(const CommandLine& line, std::ostream& out);

}  // namespace mvn
