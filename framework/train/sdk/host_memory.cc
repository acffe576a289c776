#include "train/sdk/host_memory.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>

namespace mvn {
namespace {

// By malloc. LibTorch's own asks for aligned blocks, of which malloc cuts off both ends, so that
// what is freed is too small for the next of the same size.
class HostAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const bool possible = bytes != 0 && bytes < PTRDIFF_MAX - c10::gAlignment;
    void* const block = possible ? std::malloc(bytes + c10::gAlignment) : nullptr;
    // LibTorch's own says why there is no memory.
    if (block == nullptr) return below_.allocate(bytes);
    // malloc aligns to 16, so there is room for a pointer before.
    const auto past = reinterpret_cast<std::uintptr_t>(block) % c10::gAlignment;
    void* const data = static_cast<char*>(block) + (c10::gAlignment - past);
    static_cast<void**>(data)[-1] = block;
    return {data, data, &free_block, c10::DeviceType::CPU};
  }

  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static void free_block(void* data) {
    if (data != nullptr) std::free(static_cast<void**>(data)[-1]);
  }

  c10::Allocator& below_ = *c10::GetDefaultCPUAllocator();
};

}  // namespace

c10::Allocator& host_allocator() {
  static auto* const one = new HostAllocator;  // tensors may outlive static variables
  return *one;
}

void keep_freed_memory() {
  c10::SetCPUAllocator(&host_allocator());
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  ::mallopt(M_TOP_PAD, 64 << 20);
}

void release_kept_memory() { ::malloc_trim(0); }

}  // namespace mvn
