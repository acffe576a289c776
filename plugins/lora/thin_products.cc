#include "thin_products.h"

namespace mvn {
namespace {

const ThinKernels& choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    return __builtin_cpu_supports("avx512bf16") ? kThinAvx512Bf16 : kThinAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kThinAvx2;
#endif
  return kThinPortable;
}

}  // namespace

const ThinKernels& thin_kernels() {
  static const ThinKernels& chosen = choose();
  return chosen;
}

}  // namespace mvn
