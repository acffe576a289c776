// The memory that is kept from one tensor for the next.
#include "train/sdk/host_memory.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <utility>

namespace mvn {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;

class HostMemoryTest : public testing::Test {
 protected:
  void SetUp() override { release_kept_memory(); }

  static c10::DataPtr take(std::size_t bytes) { return keeping_allocator().allocate(bytes); }
};

TEST_F(HostMemoryTest, AFreedBlockServesTheNextOfItsSize) {
  auto first = take(4 * kMegabyte);
  const void* place = first.get();
  EXPECT_EQ(host_memory().used, 4 * kMegabyte);
  first.clear();
  EXPECT_EQ(host_memory().used, 0U);
  EXPECT_EQ(host_memory().kept, 4 * kMegabyte);
  EXPECT_EQ(take(4 * kMegabyte - 100).get(), place);
}

TEST_F(HostMemoryTest, ALargeBlockDoesNotServeASmallTensor) {
  take(8 * kMegabyte).clear();
  const auto small = take(4 * kMegabyte);
  EXPECT_EQ(host_memory().used, 4 * kMegabyte);
}

TEST_F(HostMemoryTest, NoMoreIsHeldThanWasInUseAtOnce) {
  take(8 * kMegabyte).clear();
  auto second = take(4 * kMegabyte);
  EXPECT_EQ(host_memory().used + host_memory().kept, 4 * kMegabyte);
  auto third = take(4 * kMegabyte);
  second.clear();
  third.clear();
  EXPECT_EQ(host_memory().kept, 8 * kMegabyte);
}

TEST_F(HostMemoryTest, WhatWasFreedLongestAgoIsGivenBackFirst) {
  auto one = take(1 * kMegabyte);
  auto two = take(2 * kMegabyte);
  auto four = take(4 * kMegabyte);
  const void* last = one.get();
  two.clear();
  four.clear();
  one.clear();
  const auto three = take(3 * kMegabyte);
  EXPECT_EQ(host_memory().kept, 1 * kMegabyte);
  EXPECT_EQ(take(1 * kMegabyte).get(), last);
}

TEST_F(HostMemoryTest, ReleasingGivesBackAll) {
  const auto used = take(2 * kMegabyte);
  take(4 * kMegabyte).clear();
  release_kept_memory();
  EXPECT_EQ(host_memory().used, 2 * kMegabyte);
  EXPECT_EQ(host_memory().kept, 0U);
}

TEST_F(HostMemoryTest, SmallBlocksAreLeftToMalloc) {
  auto& allocator = keeping_allocator();
  void* small = allocator.raw_allocate(100);
  void* large = allocator.raw_allocate(kMegabyte);
  EXPECT_EQ(host_memory().used, kMegabyte);
  allocator.raw_deallocate(small);
  allocator.raw_deallocate(large);
  EXPECT_EQ(host_memory().kept, kMegabyte);
}

TEST_F(HostMemoryTest, WhereThereIsNoMemoryTheErrorIsLibTorchs) {
  take(4 * kMegabyte).clear();
  try {
    take(std::size_t{1} << 60);
    FAIL() << "nothing was thrown";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("DefaultCPUAllocator"), std::string::npos);
  }
  EXPECT_EQ(host_memory().kept, 0U) << "what was kept might have served";
}

}  // namespace
}  // namespace mvn
