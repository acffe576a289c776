#include "train/sdk/host_memory.h"

#include <malloc.h>

namespace mvn {

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  ::mallopt(M_TOP_PAD, 64 << 20);
}

void release_kept_memory() { ::malloc_trim(0); }

}  // namespace mvn
