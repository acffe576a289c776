// The thin products for AVX2: compiled with -mavx2 and -mfma.
#include "thin_products.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 8;
constexpr std::int64_t kReduceRows = 12;
constexpr std::int64_t kSpreadRows = 6;
constexpr std::int64_t kSpreadVectors = 2;
constexpr std::int64_t kCollectRanks = 4;
constexpr std::int64_t kCollectVectors = 2;

#include "thin_products_body.h"

}  // namespace

extern const ThinKernels kThinAvx2 = kernels("avx2");

}  // namespace mvn
