#include "train/sdk/host_memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace mvn {
namespace {

TEST(HostMemory, IsAlignedAsLibTorchsOwn) {
  for (const std::size_t bytes : {1, 63, 64, 1000, 5'000'000}) {
    const auto block = host_allocator().allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0U) << bytes;
    std::memset(block.get(), 1, bytes);
  }
  EXPECT_EQ(host_allocator().allocate(0).get(), nullptr);
}

// Of malloc's memory; 0 where a sanitizer has its own.
std::size_t bytes_in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(HostMemory, IsGivenAndTakenBackRawToo) {
  constexpr std::size_t kBytes = 1 << 20;
  auto& allocator = host_allocator();
  const auto before = bytes_in_use();
  void* block = allocator.raw_allocate(kBytes);
  const auto meanwhile = bytes_in_use();
  std::memset(block, 1, kBytes);
  allocator.raw_deallocate(block);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U);
  EXPECT_EQ(bytes_in_use(), before);
  if (before > 0) {
    EXPECT_GE(meanwhile, before + kBytes);
  }
}

TEST(HostMemory, WhereThereIsNoneTheErrorIsLibTorchs) {
  for (const std::size_t bytes : {std::size_t{1} << 60U, SIZE_MAX}) {
    try {
      const auto block = host_allocator().allocate(bytes);
      FAIL() << "nothing was thrown";
    } catch (const c10::Error& error) {
      EXPECT_NE(std::string(error.what()).find("alloc_cpu"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace mvn
