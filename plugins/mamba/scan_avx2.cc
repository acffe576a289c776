// The scan for AVX2 and FMA: 8 channels a vector. Compiled with -mavx2 -mfma.
#include <immintrin.h>

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 8;

struct Vec {
  __m256 v;
};

inline Vec set1(float x) { return {_mm256_set1_ps(x)}; }
inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
// The halves of a, added, and those of b, one after the other.
inline Vec fold(Vec a, Vec b) {
  return {_mm256_add_ps(_mm256_permute2f128_ps(a.v, b.v, 0x20),
                        _mm256_permute2f128_ps(a.v, b.v, 0x31))};
}
struct Halves {
  float low;
  float high;
};
inline Halves sum_halves(Vec a) {
  __m256 s = _mm256_add_ps(a.v, _mm256_permute_ps(a.v, 0b01'00'11'10));
  s = _mm256_add_ps(s, _mm256_permute_ps(s, 0b10'11'00'01));
  return {_mm256_cvtss_f32(s), _mm_cvtss_f32(_mm256_extractf128_ps(s, 1))};
}
inline Vec round_to_nearest(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// n is whole; results below the smallest normal number become 0, above the largest infinity.
inline Vec scale_by_power_of_two(Vec a, Vec n) {
  const __m256 clamped =
      _mm256_min_ps(_mm256_max_ps(n.v, _mm256_set1_ps(-127.0F)), _mm256_set1_ps(128.0F));
  // The power in two factors, because 2^128 alone is no float.
  const __m256i whole = _mm256_cvtps_epi32(clamped);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const auto power = [](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
  };
  const __m256 scaled = _mm256_mul_ps(_mm256_mul_ps(a.v, power(half)), power(rest));
  const __m256 alive = _mm256_cmp_ps(n.v, _mm256_set1_ps(-126.0F), _CMP_NLT_UQ);
  return {_mm256_and_ps(scaled, alive)};
}
inline Vec select_negative(Vec x, Vec negative, Vec other) {
  return {_mm256_blendv_ps(other.v, negative.v, x.v)};
}
inline Vec load(const float* from) { return {_mm256_loadu_ps(from)}; }
inline void store(float* to, Vec a) { _mm256_storeu_ps(to, a.v); }
// Past the caches, for what is read much later; `to` is aligned as a vector is.
inline void store_far(float* to, Vec a) { _mm256_stream_ps(to, a.v); }
// Makes what was stored so visible to other threads.
inline void finish_far_stores() { _mm_sfence(); }

inline Vec load(const Bf16* from) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
}
// Rounds to the nearest even; NaN stays NaN.
inline void store(Bf16* to, Vec a) {
  const __m256i bits = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
  const __m256i chosen =
      _mm256_srli_epi32(_mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc00000), nan), 16);
  const __m256i packed =
      _mm256_permute4x64_epi64(_mm256_packus_epi32(chosen, chosen), 0b11'01'10'00);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
}

#include "scan_kernels_body.h"

}  // namespace

extern const ScanKernels kScanAvx2 = {"avx2",
                                      &forward<float>,
                                      &backward<float>,
                                      &forward<Bf16>,
                                      &backward<Bf16>,
                                      &conv_forward<float>,
                                      &conv_backward<float>,
                                      &conv_forward<Bf16>,
                                      &conv_backward<Bf16>};

}  // namespace mvn::mamba
