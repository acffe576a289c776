// Whether the kernel kills processes for their memory.
#pragma once

#include <cstdint>

namespace mvn {

// How many processes of this machine the kernel has killed for memory since it started, those that
// reached the limit of a container or of a job among them; 0 where it does not tell.
std::int64_t killed_for_memory_here();

}  // namespace mvn
