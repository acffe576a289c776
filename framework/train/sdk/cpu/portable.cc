// The kernels for any processor.
#include "train/sdk/cpu/kernels.h"

namespace mvn {
namespace {

constexpr std::int64_t kLanes = 4;
constexpr std::int64_t kRows = 4;
constexpr std::int64_t kVectors = 2;

#include "train/sdk/cpu/kernels_body.h"

}  // namespace

extern const CpuKernels kCpuPortable = kernels("portable");

}  // namespace mvn
