#include "train/trainer/nvidia_board.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temporary_folder.h"
#include "train/trainer/energy.h"

namespace mvn {
namespace {

// MVN_FAKE_NVML is built of fake_nvml.cc.
class NvidiaBoardTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);
    ::unsetenv("CUDA_VISIBLE_DEVICES");
  }
  void TearDown() override { SetUp(); }

  static std::string name_of(const std::string& device) {
    const auto board = NvidiaBoard::open(device, MVN_FAKE_NVML);
    return board ? board->name() : "none";
  }
  static std::string name_where_visible(const char* visible) {
    ::setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    return name_of("cuda:0");
  }
};

TEST_F(NvidiaBoardTest, IsFoundByItsNumber) {
  EXPECT_EQ(name_of("cuda:0"), "NVIDIA One");
  EXPECT_EQ(name_of("cuda"), "NVIDIA One");
  EXPECT_EQ(name_of("cuda:1"), "NVIDIA Two");
  EXPECT_EQ(name_of("cuda:2"), "none");
  EXPECT_EQ(name_of("cpu"), "none");
}

TEST_F(NvidiaBoardTest, IsTheOneThatIsVisible) {
  EXPECT_EQ(name_where_visible("1"), "NVIDIA Two");
  EXPECT_EQ(name_where_visible("1,0"), "NVIDIA Two");
  EXPECT_EQ(name_of("cuda:1"), "NVIDIA One");
  EXPECT_EQ(name_of("cuda:2"), "none");
  EXPECT_EQ(name_where_visible(""), "none");
  EXPECT_EQ(name_where_visible("GPU-3c4d"), "NVIDIA Two");
  EXPECT_EQ(name_where_visible("GPU-1a"), "NVIDIA One") << "the beginning of a UUID says it";
  EXPECT_EQ(name_where_visible("MIG-5e6f"), "NVIDIA Two MIG 1g.10gb");
  EXPECT_EQ(name_where_visible("GPU-9"), "none");
}

TEST_F(NvidiaBoardTest, IsNotGuessedWhereCudaCountsOtherwise) {
  ::setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST", 1);
  EXPECT_EQ(name_of("cuda:0"), "none");
  EXPECT_EQ(name_where_visible("GPU-1a2b"), "NVIDIA One");
}

TEST_F(NvidiaBoardTest, IsMissingWithoutTheLibrary) {
  EXPECT_EQ(NvidiaBoard::open("cuda:0", "libno-such-library.so"), nullptr);
}

TEST_F(NvidiaBoardTest, CountsTheEnergyOfTheBoardThatAPartIsOf) {
  const test::TemporaryFolder none;
  ::setenv("CUDA_VISIBLE_DEVICES", "MIG-5e6f", 1);
  EnergyMeter part("cuda:0", none.path(), MVN_FAKE_NVML);
  EXPECT_EQ(part.take_joules(), 2.0);
  ::setenv("CUDA_VISIBLE_DEVICES", "GPU-1a2b", 1);
  EnergyMeter board("cuda:0", none.path(), MVN_FAKE_NVML);
  EXPECT_EQ(board.take_joules(), 1.0);
  EXPECT_EQ(board.take_joules(), 1.0);
}

}  // namespace
}  // namespace mvn
