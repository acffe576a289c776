// What becomes of the memory that CPU tensors and oneDNN free.
#pragma once

#include <c10/core/Allocator.h>

namespace mvn {

// Lets malloc keep large freed blocks, and find them again for the next tensor of their size: else
// many go back to the system, which has to clear every page that it hands out. Call before the
// first tensor is made.
void keep_freed_memory();

// Where keep_freed_memory() lets CPU tensors have their memory from.
c10::Allocator& host_allocator();

// Gives back what is free now.
void release_kept_memory();

}  // namespace mvn
