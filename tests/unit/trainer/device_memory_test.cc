// What a trial costs of a device's memory, with a device made up for the test.
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "train/sdk/device.h"
#include "train/trainer/accounting.h"

namespace mvn {
namespace {

// As LibTorch's CUDA allocator: of devices that it has not been prepared for it is asked nothing.
class StrictAllocator : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(std::size_t) override { throw std::logic_error("allocates nothing"); }
  void copy_data(void*, const void*, std::size_t) const override {}
  bool initialized() override { return prepared; }
  void emptyCache(c10::MempoolId_t) override {
    expect_prepared();
    ++emptied;
  }
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    expect_prepared();
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes.at(0).peak = 100;
    stats.reserved_bytes.at(0).peak = 300;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {
    expect_prepared();
    ++resets;
  }

  bool prepared = false;
  int resets = 0;
  int emptied = 0;

 private:
  void expect_prepared() const {
    TORCH_CHECK(prepared, "Invalid device argument 0: did you call init?");
  }
};

StrictAllocator allocator;

struct Hooks : at::PrivateUse1HooksInterface {
  void init() const override { allocator.prepared = true; }
};

// One test, as a process prepares a device once.
TEST(DeviceMemory, IsAskedForOnlyOfAnAllocatorThatIsPrepared) {
  static Hooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::SetAllocator(c10::DeviceType::PrivateUse1, &allocator);
  const torch::Device device(c10::DeviceType::PrivateUse1, 0);
  EXPECT_EQ(peak_device_bytes(device), 0);
  release_device_memory(device);
  EXPECT_EQ(allocator.emptied, 0);

  reset_peak_memory(device);
  EXPECT_EQ(allocator.resets, 1);
  EXPECT_EQ(peak_device_bytes(device), 300) << "what the allocator holds, not what tensors take";
  release_device_memory(device);
  EXPECT_EQ(allocator.emptied, 1);
}

TEST(DeviceMemory, OfACpuIsNone) {
  reset_peak_memory(torch::kCPU);
  EXPECT_EQ(peak_device_bytes(torch::kCPU), 0);
  release_device_memory(torch::kCPU);
}

TEST(Gpus, AreHiddenByAListThatBeginsWithNone) {
  EXPECT_FALSE(hides_all_gpus(nullptr));
  EXPECT_TRUE(hides_all_gpus(""));
  EXPECT_TRUE(hides_all_gpus("-1"));
  EXPECT_FALSE(hides_all_gpus("1,0"));
  EXPECT_FALSE(hides_all_gpus("GPU-1a2b"));
  EXPECT_FALSE(hides_all_gpus("MIG-5e6f"));
}

}  // namespace
}  // namespace mvn
