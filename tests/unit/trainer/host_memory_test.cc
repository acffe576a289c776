#include "train/sdk/host_memory.h"

#include <gtest/gtest.h>

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

TEST(HostMemory, IsGivenAndTakenBackRawToo) {
  auto& allocator = host_allocator();
  void* block = allocator.raw_allocate(100);
  std::memset(block, 1, 100);
  allocator.raw_deallocate(block);
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
