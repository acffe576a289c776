// How fast a GPU makes the exponentials that a scan needs.
#pragma once

#include <cstdint>

namespace mvn::benchmark {

// Launches 2^x, as the scan's kernels compute it for float32 (or bfloat16), on every lane of the
// GPU, and returns how many those are. `sink` is one float of the GPU's memory.
double launch_exponentials(bool bfloat16, float* sink, int device, void* stream);

}  // namespace mvn::benchmark
