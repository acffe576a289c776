// For programs with tests on a GPU.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "mvn/torch.h"
#include "train/sdk/device.h"

namespace mvn::test {

// Does before the first test what a worker does first: LibTorch goes by what it finds when it first
// looks for CUDA, and a backward pass on a CPU is a look.
class GpuEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    warning() = open_gpu_library();
  }
  static std::string& warning() {
    static std::string text;
    return text;
  }
};

inline testing::Environment* const gpu_environment =
    testing::AddGlobalTestEnvironment(new GpuEnvironment);

// Why a test cannot run on a GPU, to skip it with; "" where it can. `refusal` is what speaks
// against the GPU that there is. With MVN_TEST_GPU=1, for checks of a GPU, it is a failure.
inline std::string no_gpu(const std::function<std::string()>& refusal = {}) {
  std::string reason;
  if (!torch::cuda::is_available()) {
    reason = "there is no GPU here";
    if (const auto& warning = GpuEnvironment::warning(); !warning.empty()) reason = warning;
  } else if (refusal) {
    reason = refusal();
  }
  const char* const wanted = std::getenv("MVN_TEST_GPU");
  if (!reason.empty() && wanted != nullptr && std::string_view(wanted) == "1") {
    ADD_FAILURE() << "MVN_TEST_GPU=1, but " << reason;
  }
  return reason;
}

}  // namespace mvn::test
