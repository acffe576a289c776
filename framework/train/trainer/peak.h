// What a device could compute at most, to compare with what training makes of it.
#pragma once

#include "common/trial.h"
#include "train/recipe/sections.h"

namespace mvn {

// FLOPs per second of a large matrix product on the trial's device, with its threads and in its
// precision: the best of a few. Measured once and remembered in the cache folder beside the trial,
// for this machine alone. Call after set_numerics(), before the trial's own tensors are made and
// its random numbers drawn.
double device_peak_flops(const TrialFile& trial, Precision precision);

}  // namespace mvn
