#include "train/trainer/energy.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace mvn {
namespace {

class EnergyTest : public testing::Test {
 protected:
  void package(const std::string& name, const std::string& microjoules) const {
    folder_.write(name + "/energy_uj", microjoules + "\n");
    folder_.write(name + "/max_energy_range_uj", "10000000\n");
  }

  test::TemporaryFolder folder_;
};

TEST_F(EnergyTest, AddsUpThePackagesButNotTheirParts) {
  package("intel-rapl:0", "1000000");
  package("intel-rapl:1", "2000000");
  package("intel-rapl:0:0", "500");
  EnergyMeter meter("cpu", folder_.path());
  EXPECT_EQ(meter.take_joules(), 0.0);
  package("intel-rapl:0", "4000000");
  package("intel-rapl:1", "2500000");
  package("intel-rapl:0:0", "900000");
  EXPECT_EQ(meter.take_joules(), 3.5);
  EXPECT_EQ(meter.take_joules(), 0.0);
}

TEST_F(EnergyTest, ACounterThatWrapsGoesOnFromItsLargest) {
  package("intel-rapl:0", "9000000");
  EnergyMeter meter("cpu", folder_.path());
  package("intel-rapl:0", "500000");
  EXPECT_EQ(meter.take_joules(), 1.5);
}

TEST_F(EnergyTest, WithoutACounterThereIsNoFigure) {
  EXPECT_EQ(EnergyMeter("cpu", folder_.path()).take_joules(), std::nullopt);
  EXPECT_EQ(EnergyMeter("cpu", folder_ / "nowhere").take_joules(), std::nullopt);
}

}  // namespace
}  // namespace mvn
