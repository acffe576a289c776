// The one file that is compiled with OpenMP, without which at::parallel_for is a plain loop.
#include "mvn/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace mvn {

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& run) {
  const std::int64_t blocks = (count + grain - 1) / grain;
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    if (begin < end) run(begin * grain, std::min(end * grain, count));
  });
}

}  // namespace mvn
