// The thin products for any processor.
#include "thin_products.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 4;
constexpr std::int64_t kReduceRows = 8;
constexpr std::int64_t kSpreadRows = 4;
constexpr std::int64_t kSpreadVectors = 2;
constexpr std::int64_t kCollectRanks = 4;
constexpr std::int64_t kCollectVectors = 2;

#include "thin_products_body.h"

}  // namespace

extern const ThinKernels kThinPortable = kernels("portable");

}  // namespace mvn
