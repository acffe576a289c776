#include "thin_products.h"

#include "mvn/cpu_isa.h"

namespace mvn {
namespace {

const ThinKernels& choose() {
#if defined(__x86_64__)
  if (supports(CpuIsa::kAvx512Bf16)) return kThinAvx512Bf16;
  if (supports(CpuIsa::kAvx512)) return kThinAvx512;
  if (supports(CpuIsa::kAvx2)) return kThinAvx2;
#endif
  return kThinPortable;
}

}  // namespace

const ThinKernels& thin_kernels() {
  static const ThinKernels& chosen = choose();
  return chosen;
}

}  // namespace mvn
