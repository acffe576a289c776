#include "train/trainer/fresh_memory.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <memory>

namespace mvn {
namespace {

// Smaller ones are not worth two calls of the kernel.
constexpr std::size_t kLarge = std::size_t{1} << 20;

struct Pages {
  void* begin;
  std::size_t bytes;
};

void give_back(void* context) {
  const std::unique_ptr<Pages> pages(static_cast<Pages*>(context));
  ::munmap(pages->begin, pages->bytes);
}

class PageAllocator : public c10::Allocator {
 public:
  explicit PageAllocator(c10::Allocator& heap) : heap_(heap) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes < kLarge) return heap_.allocate(bytes);
    auto pages = std::make_unique<Pages>(Pages{nullptr, bytes});
    pages->begin =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages->begin == MAP_FAILED) return heap_.allocate(bytes);  // or its error
    void* const begin = pages->begin;
    return {begin, pages.release(), &give_back, c10::Device(c10::kCPU)};
  }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  c10::Allocator& heap_;
};

}  // namespace

FreshMemory::FreshMemory() : before_(c10::GetCPUAllocator()) {
  // Storages remember their allocator: it stays.
  static PageAllocator pages(*before_);
  c10::SetCPUAllocator(&pages);
}

FreshMemory::~FreshMemory() { c10::SetCPUAllocator(before_); }

}  // namespace mvn
