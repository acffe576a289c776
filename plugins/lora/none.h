// The adapter that is none: every parameter trains.
#pragma once

#include "mvn/registry.h"

namespace mvn {

AdapterEntry none_entry();

}  // namespace mvn
