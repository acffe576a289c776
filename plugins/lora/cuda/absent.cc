// In the place of dropout.cu where no CUDA compiler was found.
#include <stdexcept>

#include "dropout.h"

namespace mvn::gpu {
namespace {

[[noreturn]] void refuse() {
  throw std::logic_error("lora was built without a CUDA compiler; ask gpu::has_dropout() first");
}

}  // namespace

bool has_dropout(int) { return false; }
void drop(const float*, float*, std::int64_t, const Mask&, const std::int64_t*, const Launch&) {
  refuse();
}
void drop(const Half*, float*, std::int64_t, const Mask&, const std::int64_t*, const Launch&) {
  refuse();
}
void drop(const Half*, Half*, std::int64_t, const Mask&, const std::int64_t*, const Launch&) {
  refuse();
}

}  // namespace mvn::gpu
