// The scan for any processor: vectors of four floats.
#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 4;

#include "mvn/lanes_body.h"

using Ints = std::int32_t __attribute__((vector_size(4 * kLanes)));

inline Floats fma(Floats a, Floats b, Floats c) { return a * b + c; }
inline Floats clamp(Floats a, float limit) {
  a = a > -limit ? a : Floats{} - limit;
  return a < limit ? a : Floats{} + limit;
}
// Adding 1.5 x 2^23 leaves no bits for the fraction. Larger numbers are clamped: their power of two
// is 0 or infinity all the same.
inline Floats round_to_nearest(Floats a) { return (clamp(a, 300.0F) + 12582912.0F) - 12582912.0F; }
// n is whole; the power is taken in two factors, because 2^128 is no float.
inline Floats scale_by_power_of_two(Floats a, Floats n) {
  const Ints whole = __builtin_convertvector(clamp(n, 252.0F), Ints);
  const Ints half = whole / 2;
  const Ints low = (half + 127) << 23;
  const Ints high = (whole - half + 127) << 23;
  return a * __builtin_bit_cast(Floats, low) * __builtin_bit_cast(Floats, high);
}
// There is no portable way past the caches.
inline void store_far(float* to, Floats a) { store(to, kLanes, a); }
inline void finish_far_stores() {}

#include "scan_kernels_body.h"

}  // namespace

extern const ScanKernels kScanPortable = kernels("portable");

}  // namespace mvn::mamba
