#include "train/trainer/peak.h"

#include <gtest/gtest.h>

#include <vector>

namespace mvn {
namespace {

// A device that needs so many seconds for a product of side 128, eight times those for twice the
// side, and the sides that were asked of it.
struct Device {
  double seconds;
  std::vector<std::int64_t> sides = {};

  double peak(std::int64_t largest) {
    return peak_of_products(largest, [this](std::int64_t side) {
      sides.push_back(side);
      const double times = static_cast<double>(side) / 128;
      return seconds * times * times * times;
    });
  }
};

TEST(PeakTest, AFastDeviceIsMeasuredOnTheLargestProduct) {
  Device device{1e-4};
  EXPECT_DOUBLE_EQ(2.0 * 128 * 128 * 128 / 1e-4, device.peak(1024));
  EXPECT_EQ((std::vector<std::int64_t>{128, 256, 512, 1024, 1024, 1024, 1024, 1024}), device.sides);
}

// As a processor that emulates bfloat16: the largest product would take seconds each time.
TEST(PeakTest, ASlowDeviceIsMeasuredOnASmallerOne) {
  Device device{0.012};
  EXPECT_DOUBLE_EQ(2.0 * 128 * 128 * 128 / 0.012, device.peak(1024));
  EXPECT_EQ((std::vector<std::int64_t>{128, 256, 256, 256, 256, 256}), device.sides);
  Device slower{1};
  slower.peak(8192);
  EXPECT_EQ((std::vector<std::int64_t>{128, 128, 128, 128, 128}), slower.sides);
}

TEST(PeakTest, TheLargestMayBeSmall) {
  Device device{1e-4};
  device.peak(64);
  EXPECT_EQ((std::vector<std::int64_t>{64, 64, 64, 64, 64}), device.sides);
}

}  // namespace
}  // namespace mvn
