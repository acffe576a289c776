#include "scan_kernels.h"

#include "mvn/cpu_isa.h"

namespace mvn::mamba {
namespace {

const ScanKernels& choose() {
#if defined(__x86_64__)
  if (supports(CpuIsa::kAvx512)) return kScanAvx512;
  if (supports(CpuIsa::kAvx2)) return kScanAvx2;
#endif
  return kScanPortable;
}

}  // namespace

const ScanKernels& scan_kernels() {
  static const ScanKernels& chosen = choose();
  return chosen;
}

}  // namespace mvn::mamba
