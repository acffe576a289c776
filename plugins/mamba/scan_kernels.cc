#include "scan_kernels.h"

#include <cstdlib>
#include <string_view>

namespace mvn::mamba {
namespace {

bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

bool has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

const ScanKernels& choose() {
  const char* asked = std::getenv("MVN_SCAN");
  const std::string_view wish = asked == nullptr ? "" : asked;
#if defined(__x86_64__)
  if (has_avx512() && (wish.empty() || wish == "avx512")) return kScanAvx512;
  if (has_avx2() && wish != "portable") return kScanAvx2;
#endif
  return kScanPortable;
}

}  // namespace

const ScanKernels& scan_kernels() {
  static const ScanKernels& chosen = choose();
  return chosen;
}

}  // namespace mvn::mamba
