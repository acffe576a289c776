// The nearest known name, which plugins use too: the SDK has it.
#pragma once

#include "mvn/nearest.h"  // IWYU pragma: export
