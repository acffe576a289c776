#include "common/exit_code.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/disk_full.h"

namespace mvn {
namespace {

TEST(ExitCode, AWorkerGoesOnAfterWhatIsTheTrialsOwnFault) {
  std::vector<int> survived;
  for (int code = 0; code < 256; ++code) {
    if (worker_survives(code)) survived.push_back(code);
  }
  EXPECT_EQ(survived, (std::vector<int>{0, 64, 78, 79}));
  EXPECT_FALSE(worker_survives(kDiskFullCode));
}

}  // namespace
}  // namespace mvn
