// The kernels for AVX-512: compiled with -mavx512{f,dq,bw,vl} and -mfma.
#include <immintrin.h>

#include "train/sdk/cpu/kernels.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kRows = 6;
constexpr std::int64_t kVectors = 4;

#include "train/sdk/cpu/kernels_body.h"

}  // namespace

extern const CpuKernels kCpuAvx512 = kernels("avx512");

}  // namespace mvn
