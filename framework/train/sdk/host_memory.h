// What becomes of the memory that CPU tensors and oneDNN free.
#pragma once

namespace mvn {

// Lets malloc keep large freed blocks: at its defaults it gives many back to the system, which has
// to clear every page that it hands out again. Call before the first tensor is made.
void keep_freed_memory();

// Gives back what is free now.
void release_kept_memory();

}  // namespace mvn
