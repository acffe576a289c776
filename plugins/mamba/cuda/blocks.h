// A thread block, as the kernels' bodies see one: threads that run a phase each with a `Lane` of
// their own, and wait for each other between phases. GpuBlock is one thread of a real block;
// CpuBlock, for the tests, runs all threads of a block in turn, phase by phase, and so computes the
// same sums in the same order.
#pragma once

#include <vector>

#include "arithmetic.h"

namespace mvn::mamba::gpu {

inline constexpr int kThreads = 128;  // of every block
inline constexpr int kWarp = 32;
inline constexpr int kWarps = kThreads / kWarp;

// One step of a sum over lanes that also spreads the values over them: of 2 kHalf values, a lane
// and its partner, whose number differs in one bit, keep one half each, added to what the other
// sends. The lane with the bit set keeps the upper half.
template <int kHalf>
MVN_DEVICE float sent(const float* values, int i, bool upper) {
  return upper ? values[i] : values[i + kHalf];
}
template <int kHalf>
MVN_DEVICE float kept(const float* values, int i, bool upper) {
  return upper ? values[i + kHalf] : values[i];
}

#if defined(__CUDACC__)

template <typename Lane>
class GpuBlock {
 public:
  // phase(thread, lane) on every thread.
  template <typename Phase>
  MVN_DEVICE void run(const Phase& phase) {
    phase(static_cast<int>(threadIdx.x), lane_);
  }
  MVN_DEVICE void barrier() { __syncthreads(); }
  MVN_DEVICE void warp_barrier() { __syncwarp(); }
  // A step of the sum over lanes of `Lane::values`, between lanes whose numbers differ in `bit`.
  template <int kHalf>
  MVN_DEVICE void fold(int bit) {
    const bool upper = (static_cast<int>(threadIdx.x) & bit) != 0;
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      const float got = __shfl_xor_sync(0xffffffffU, sent<kHalf>(lane_.values, i, upper), bit);
      lane_.values[i] = kept<kHalf>(lane_.values, i, upper) + got;
    }
  }

 private:
  Lane lane_;
};

#else

template <typename Lane>
class CpuBlock {
 public:
  // Registers hold something else before they are set.
  CpuBlock() { std::memset(static_cast<void*>(lanes_.data()), 0xff, sizeof(Lane) * kThreads); }
  template <typename Phase>
  void run(const Phase& phase) {
    for (int thread = 0; thread < kThreads; ++thread) phase(thread, lanes_[thread]);
  }
  void barrier() {}
  void warp_barrier() {}
  template <int kHalf>
  void fold(int bit) {
    const std::vector<Lane> before = lanes_;
    for (int thread = 0; thread < kThreads; ++thread) {
      const bool upper = (thread & bit) != 0;
      for (int i = 0; i < kHalf; ++i) {
        lanes_[thread].values[i] = kept<kHalf>(before[thread].values, i, upper) +
                                   sent<kHalf>(before[thread ^ bit].values, i, !upper);
      }
    }
  }

 private:
  std::vector<Lane> lanes_ = std::vector<Lane>(kThreads);
};

#endif

}  // namespace mvn::mamba::gpu
