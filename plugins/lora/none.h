// The adapters that add nothing: "none", where every parameter trains, "frozen", where none does,
// and "bitfit", where the biases do.
#pragma once

#include "mvn/registry.h"

namespace mvn {

AdapterEntry none_entry();
AdapterEntry frozen_entry();
AdapterEntry bitfit_entry();

}  // namespace mvn
