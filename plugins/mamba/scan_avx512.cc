// The scan for AVX-512: 16 channels a vector. Compiled with -mavx512{f,dq,bw,vl} and -mfma.
#include <immintrin.h>

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 16;

struct Vec {
  __m512 v;
};

inline Vec set1(float x) { return {_mm512_set1_ps(x)}; }
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
// The halves of a, added, and those of b, one after the other.
inline Vec fold(Vec a, Vec b) {
  return {_mm512_add_ps(_mm512_shuffle_f32x4(a.v, b.v, 0b01'00'01'00),
                        _mm512_shuffle_f32x4(a.v, b.v, 0b11'10'11'10))};
}
struct Halves {
  float low;
  float high;
};
inline Halves sum_halves(Vec a) {
  __m512 s = _mm512_add_ps(a.v, _mm512_shuffle_f32x4(a.v, a.v, 0b10'11'00'01));
  s = _mm512_add_ps(s, _mm512_permute_ps(s, 0b01'00'11'10));
  s = _mm512_add_ps(s, _mm512_permute_ps(s, 0b10'11'00'01));
  return {_mm512_cvtss_f32(s), _mm_cvtss_f32(_mm512_extractf32x4_ps(s, 2))};
}
inline Vec round_to_nearest(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Vec scale_by_power_of_two(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
inline Vec select_negative(Vec x, Vec negative, Vec other) {
  return {
      _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x.v)), other.v, negative.v)};
}
inline Vec load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline void store(float* to, Vec a) { _mm512_storeu_ps(to, a.v); }
// Past the caches, for what is read much later; `to` is aligned as a vector is.
inline void store_far(float* to, Vec a) { _mm512_stream_ps(to, a.v); }
// Makes what was stored so visible to other threads.
inline void finish_far_stores() { _mm_sfence(); }

inline Vec load(const Bf16* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
// Rounds to the nearest even; NaN stays NaN.
inline void store(Bf16* to, Vec a) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_mov_epi32(rounded, nan, _mm512_set1_epi32(0x7fc00000));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
}

#include "scan_kernels_body.h"

}  // namespace

extern const ScanKernels kScanAvx512 = {"avx512",
                                        &forward<float>,
                                        &backward<float>,
                                        &forward<Bf16>,
                                        &backward<Bf16>,
                                        &conv_forward<float>,
                                        &conv_backward<float>,
                                        &conv_forward<Bf16>,
                                        &conv_backward<Bf16>};

}  // namespace mvn::mamba
