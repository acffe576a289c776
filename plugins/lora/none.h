// The adapter "none": nothing is added, and every parameter trains.
#pragma once

#include "mvn/registry.h"

namespace mvn {

AdapterEntry none_entry();

}  // namespace mvn
