#include "train/sdk/cpu/kernels.h"

#include "mvn/cpu_isa.h"

namespace mvn {
namespace {

const CpuKernels& choose() {
#if defined(__x86_64__)
  if (supports(CpuIsa::kAvx512)) return kCpuAvx512;
  if (supports(CpuIsa::kAvx2)) return kCpuAvx2;
#endif
  return kCpuPortable;
}

constexpr std::int64_t kMostLanes = 16;
constexpr std::int64_t kMostRows = 6;

constexpr std::int64_t padded(std::int64_t count) {
  return (count + kMostLanes - 1) / kMostLanes * kMostLanes;
}

}  // namespace

std::int64_t attention_scratch(std::int64_t queries, std::int64_t keys, std::int64_t width) {
  const std::int64_t rows = 2 * queries + 2 * keys + 2 * padded(keys) + kMostRows;
  return rows * padded(width) + (2 * queries + kMostRows) * padded(keys);
}

const CpuKernels& cpu_kernels() {
  static const CpuKernels& chosen = choose();
  return chosen;
}

}  // namespace mvn
