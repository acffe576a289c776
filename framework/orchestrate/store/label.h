// What people call a configuration: its swept parameters, as short as they stay telling.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

// One label for each of `parameters` (maps from dotted key to value, of the trials of one stage):
// "model=mamba lr=0.001". Only keys that vary are named, `seed` never; a text that follows from
// another text (the weights that go with a model) is left out; of paths the part that differs is
// shown. "-" where nothing varies.
std::vector<std::string> labels(const std::vector<Json>& parameters);

}  // namespace mvn
