// The adapters that add nothing: "none", where every parameter trains, and "frozen", where none
// does.
#pragma once

#include "mvn/registry.h"

namespace mvn {

AdapterEntry none_entry();
AdapterEntry frozen_entry();

}  // namespace mvn
