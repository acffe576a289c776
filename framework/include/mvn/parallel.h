// Loops of a plugin's own over all threads of a trial.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace mvn {

// Calls run(begin, end) for ranges that make up [0, count), side by side on the threads that
// LibTorch computes with (as many as the trial has; resources.threads). Each range begins at a
// multiple of `grain`, which is the least that is worth a thread; below two of them, or inside of
// another such loop, the caller does it all.
//
// What ranges write must not overlap; then the result does not depend on the number of threads.
// LibTorch's own at::parallel_for is one thread alone wherever a compiler is not told of OpenMP.
//
// Throws what `run` threw, of several ranges one's.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& run);

// The grain of a loop whose every item takes about so many sums and products. Threads that wait for
// each other cost more than they bring where there is less to do, and far more on a busy machine.
inline std::int64_t grain_of(std::int64_t operations) {
  constexpr std::int64_t kOperationsOfAThread = 1 << 19;  // some ten microseconds, by vectors
  return std::max<std::int64_t>(1, kOperationsOfAThread / std::max<std::int64_t>(1, operations));
}

}  // namespace mvn
