// The memory of tensors on the CPU, kept from one tensor for the next.
//
// malloc gives large blocks back to the system, which clears every page before it hands it out
// again, and is asked for each page at its first touch: that took longer than many an operation
// that fills it. Of what is free no more is kept than makes, with what is in use, the most that was
// ever in use at once.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>

namespace mvn {

// Makes this memory that of every CPU tensor. Call before the first is made.
void keep_freed_memory();

// Gives back what is free now, and forgets how much was in use.
void release_kept_memory();

struct HostMemory {
  std::size_t used = 0;
  std::size_t kept = 0;  // free, but not given back
};

// Bytes in large blocks now.
HostMemory host_memory();

// What keep_freed_memory() puts in place.
c10::Allocator& keeping_allocator();

}  // namespace mvn
