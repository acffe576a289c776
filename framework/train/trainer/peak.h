// What a device could compute at most, to compare with what training makes of it.
#pragma once

#include <cstdint>
#include <functional>

#include "common/trial.h"
#include "train/recipe/sections.h"

namespace mvn {

// FLOPs per second of a large matrix product on the trial's device, with its threads and in its
// precision: the best of a few. Measured once and remembered for this machine: in the user's cache
// folder, else in the one beside the trial. Call after set_numerics(), before the trial's own
// tensors are made and its random numbers drawn.
double device_peak_flops(const TrialFile& trial, Precision precision);

// The same of products that `seconds_of` times, given the side of two square matrices. The sides
// double up to `largest` as long as the products still to come fit into two seconds: a processor
// that has to emulate a type takes minutes for what another does at once.
double peak_of_products(std::int64_t largest,
                        const std::function<double(std::int64_t side)>& seconds_of);

}  // namespace mvn
