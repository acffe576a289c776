// The thin products for AVX-512: compiled with -mavx512{f,dq,bw,vl} and -mfma.
#include <immintrin.h>

#include "thin_products.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kReduceRows = 12;
constexpr std::int64_t kSpreadRows = 6;
constexpr std::int64_t kSpreadVectors = 4;
constexpr std::int64_t kCollectRanks = 4;
constexpr std::int64_t kCollectVectors = 4;

#include "thin_products_body.h"

}  // namespace

extern const ThinKernels kThinAvx512 = kernels("avx512");

}  // namespace mvn
