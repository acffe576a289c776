#include "train/sdk/host_memory.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace mvn {
namespace {

// Smaller blocks are left to malloc, which does not ask the system for each.
constexpr std::size_t kLeast = 64 << 10;

// Rounds up to one of eight sizes between two powers of two, so that tensors of nearly one size
// take each other's place.
std::size_t size_class(std::size_t bytes) {
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

class KeepingAllocator final : public c10::Allocator {
 public:
  static KeepingAllocator& get() {
    static auto* const one = new KeepingAllocator;  // tensors may outlive static variables
    return *one;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes < kLeast) return below_.allocate(bytes);
    const std::size_t size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    Block block = take(size);
    if (!block.memory) {
      make_room(size);
      block = {fresh(size), size, 0};
    }
    void* const data = block.memory.get();
    memory_.used += block.size;
    most_ = std::max(most_, memory_.used);
    used_.emplace(data, std::move(block));
    return {data, data, &free_block, c10::DeviceType::CPU};
  }

  void release() {
    const std::lock_guard lock(mutex_);
    kept_.clear();
    memory_.kept = 0;
    most_ = memory_.used;
  }

  HostMemory memory() {
    const std::lock_guard lock(mutex_);
    return memory_;
  }

  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  struct Block {
    c10::DataPtr memory;
    std::size_t size = 0;
    std::uint64_t freed = 0;  // when, in blocks freed before
  };

  // A kept block that fits, of at most a quarter more; else an empty one.
  Block take(std::size_t size) {
    const auto found = kept_.lower_bound(size);
    if (found == kept_.end() || found->first > size + size / 4) return {};
    Block block = std::move(found->second);
    memory_.kept -= block.size;
    kept_.erase(found);
    return block;
  }

  // Gives back what was freed longest ago, so that a new block does not make more of all together
  // than what was in use at once.
  void make_room(std::size_t size) {
    const std::size_t most = std::max(most_, memory_.used + size);
    while (!kept_.empty() && memory_.used + memory_.kept + size > most) {
      const auto oldest = std::min_element(kept_.begin(), kept_.end(), [](auto& a, auto& b) {
        return a.second.freed < b.second.freed;
      });
      memory_.kept -= oldest->first;
      kept_.erase(oldest);
    }
  }

  // Where there is no memory, what is kept is given back first; then it throws as LibTorch does.
  c10::DataPtr fresh(std::size_t size) {
    try {
      return below_.allocate(size);
    } catch (const c10::Error&) {
      if (kept_.empty()) throw;
    }
    kept_.clear();
    memory_.kept = 0;
    return below_.allocate(size);
  }

  void free(void* data) {
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(data);
    if (found == used_.end()) {  // a small one
      below_.raw_deleter()(data);
      return;
    }
    Block block = std::move(found->second);
    used_.erase(found);
    block.freed = ++frees_;
    memory_.used -= block.size;
    memory_.kept += block.size;
    kept_.emplace(block.size, std::move(block));
  }

  static void free_block(void* data) {
    if (data != nullptr) get().free(data);
  }

  c10::Allocator& below_ = *c10::GetDefaultCPUAllocator();
  std::mutex mutex_;
  std::unordered_map<void*, Block> used_;
  std::multimap<std::size_t, Block> kept_;  // by size
  HostMemory memory_;
  std::size_t most_ = 0;  // that was in use at once
  std::uint64_t frees_ = 0;
};

}  // namespace

void keep_freed_memory() {
  c10::SetCPUAllocator(&KeepingAllocator::get());
  // Large blocks that are no tensors', oneDNN's above all, come from malloc: it keeps some, too.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  ::mallopt(M_TOP_PAD, 64 << 20);
}

void release_kept_memory() {
  KeepingAllocator::get().release();
  ::malloc_trim(0);
}

HostMemory host_memory() { return KeepingAllocator::get().memory(); }

c10::Allocator& keeping_allocator() { return KeepingAllocator::get(); }

}  // namespace mvn
