// The kernels for AVX2: compiled with -mavx2 and -mfma.
#include "train/sdk/cpu/kernels.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 8;
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kVectors = 2;

#include "train/sdk/cpu/kernels_body.h"

}  // namespace

extern const CpuKernels kCpuAvx2 = kernels("avx2");

}  // namespace mvn
