// Memory for tensors that may be given up again before anything is written to them.
#pragma once

#include <c10/core/Allocator.h>

namespace mvn {

// While it lives, large tensors on the CPU get pages of their own from the kernel, which cost
// nothing until they are written to. Of the heap they would take pieces that earlier tensors had
// used, and giving those back takes the time of so many page faults.
class FreshMemory {
 public:
  FreshMemory();
  FreshMemory(const FreshMemory&) = delete;
  FreshMemory& operator=(const FreshMemory&) = delete;
  ~FreshMemory();

 private:
  c10::Allocator* before_;
};

}  // namespace mvn
