// The rows of stop_methods(), each in a file of its name.
#pragma once

#include "orchestrate/search/stopping.h"

namespace mvn {

StopMethod asha();
StopMethod hyperband();
StopMethod median();

}  // namespace mvn
