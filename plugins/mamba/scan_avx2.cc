// The scan for AVX2 and FMA: 8 channels a vector. Compiled with -mavx2 -mfma.
#include <immintrin.h>

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 8;

#include "mvn/lanes_body.h"

inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats round_to_nearest(Floats a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// n is whole; results below the smallest normal number become 0, above the largest infinity.
inline Floats scale_by_power_of_two(Floats a, Floats n) {
  const __m256 clamped =
      _mm256_min_ps(_mm256_max_ps(n, _mm256_set1_ps(-127.0F)), _mm256_set1_ps(128.0F));
  // The power in two factors, because 2^128 alone is no float.
  const __m256i whole = _mm256_cvtps_epi32(clamped);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const auto power = [](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
  };
  const __m256 scaled = _mm256_mul_ps(_mm256_mul_ps(a, power(half)), power(rest));
  const __m256 alive = _mm256_cmp_ps(n, _mm256_set1_ps(-126.0F), _CMP_NLT_UQ);
  return _mm256_and_ps(scaled, alive);
}
// Past the caches, for what is read much later; `to` is aligned as a vector is.
inline void store_far(float* to, Floats a) { _mm256_stream_ps(to, a); }
// Makes what was stored so visible to other threads.
inline void finish_far_stores() { _mm_sfence(); }

#include "scan_kernels_body.h"

}  // namespace

extern const ScanKernels kScanAvx2 = kernels("avx2");

}  // namespace mvn::mamba
