// The scan for any processor: vectors of four floats in the compiler's own vector type.
#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 4;

using Floats = float __attribute__((vector_size(16)));
using Ints = std::int32_t __attribute__((vector_size(16)));

struct Vec {
  Floats v;
};

inline Vec set1(float x) { return {Floats{x, x, x, x}}; }
inline Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
inline Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
inline Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
inline Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
inline Vec max(Vec a, Vec b) { return {a.v > b.v ? a.v : b.v}; }
inline Vec min(Vec a, Vec b) { return {a.v < b.v ? a.v : b.v}; }
inline Vec abs(Vec a) { return {a.v < 0.0F ? -a.v : a.v}; }
// The halves of a, added, and those of b, one after the other.
inline Vec fold(Vec a, Vec b) {
  return {Floats{a.v[0] + a.v[2], a.v[1] + a.v[3], b.v[0] + b.v[2], b.v[1] + b.v[3]}};
}
struct Halves {
  float low;
  float high;
};
inline Halves sum_halves(Vec a) { return {a.v[0] + a.v[1], a.v[2] + a.v[3]}; }
// Adding 1.5 x 2^23 leaves no bits for the fraction. Larger numbers are clamped: their power of two
// is 0 or infinity all the same.
inline Vec round_to_nearest(Vec a) {
  const Vec magic = set1(12582912.0F);
  return (min(max(a, set1(-300.0F)), set1(300.0F)) + magic) - magic;
}
// n is whole; the power is taken in two factors, because 2^128 is no float.
inline Vec scale_by_power_of_two(Vec a, Vec n) {
  const Ints whole = __builtin_convertvector(min(max(n, set1(-252.0F)), set1(252.0F)).v, Ints);
  const Ints half = whole / 2;
  const Ints low = (half + 127) << 23;
  const Ints high = (whole - half + 127) << 23;
  return {a.v * __builtin_bit_cast(Floats, low) * __builtin_bit_cast(Floats, high)};
}
inline Vec select_negative(Vec x, Vec negative, Vec other) {
  return {x.v < 0.0F ? negative.v : other.v};
}
inline Vec load(const float* from) {
  Vec a;
  __builtin_memcpy(&a.v, from, sizeof a.v);
  return a;
}
inline void store(float* to, Vec a) { __builtin_memcpy(to, &a.v, sizeof a.v); }
// There is no portable way past the caches.
inline void store_far(float* to, Vec a) { store(to, a); }
inline void finish_far_stores() {}
Vec load(const Bf16* from);
void store(Bf16* to, Vec a);

#include "scan_kernels_body.h"

inline Vec load(const Bf16* from) {
  return {Floats{to_float(from[0]), to_float(from[1]), to_float(from[2]), to_float(from[3])}};
}
inline void store(Bf16* to, Vec a) {
  for (int i = 0; i < kLanes; ++i) store_one(to + i, a.v[i]);
}

}  // namespace

extern const ScanKernels kScanPortable = {
    "portable",          &forward<float>,      &backward<float>,      &forward<Bf16>,
    &backward<Bf16>,     &conv_forward<float>, &conv_backward<float>, &conv_forward<Bf16>,
    &conv_backward<Bf16>};

}  // namespace mvn::mamba
