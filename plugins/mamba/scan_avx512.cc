// The scan for AVX-512: 16 channels a vector. Compiled with -mavx512{f,dq,bw,vl} and -mfma.
#include <immintrin.h>

#include "scan_kernels.h"

namespace mvn::mamba {
namespace {

constexpr int kLanes = 16;

#include "mvn/lanes_body.h"

inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats round_to_nearest(Floats a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Floats scale_by_power_of_two(Floats a, Floats n) { return _mm512_scalef_ps(a, n); }
// Past the caches, for what is read much later; `to` is aligned as a vector is.
inline void store_far(float* to, Floats a) { _mm512_stream_ps(to, a); }
// Makes what was stored so visible to other threads.
inline void finish_far_stores() { _mm_sfence(); }

#include "scan_kernels_body.h"

}  // namespace

extern const ScanKernels kScanAvx512 = kernels("avx512");

}  // namespace mvn::mamba
