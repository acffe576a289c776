// How a worker ends after what it caught.
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>

#include "train/sdk/graph.h"
#include "train/trainer/run_trial.h"

namespace mvn {
namespace {

template <typename Exception>
TrialEnd end_after(const Exception& error) {
  return end_of(std::make_exception_ptr(error));
}

c10::Error torch_error(const std::string& message) {
  return {c10::SourceLocation{__func__, __FILE__, __LINE__}, message};
}

constexpr auto kOutOfMemory = static_cast<int>(ExitCode::kOutOfMemory);
const std::string kAdvice = "; a smaller training.micro_batch_size or training.max_length helps";

TEST(TrialEnd, IsOutOfMemoryWhoeverSaysSo) {
  const auto kernel = end_after(std::runtime_error("the scan failed on the GPU: out of memory"));
  EXPECT_EQ(kernel.code, kOutOfMemory);
  EXPECT_EQ(kernel.message, "the scan failed on the GPU: out of memory" + kAdvice);
  const auto launch = end_after(torch_error("CUDA error: out of memory\nCompile with ..."));
  EXPECT_EQ(launch.code, kOutOfMemory);
  EXPECT_EQ(launch.message, "out of memory: CUDA error: out of memory" + kAdvice);
  const auto library =
      end_after(torch_error("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"));
  EXPECT_EQ(library.code, kOutOfMemory);
  const auto host = end_after(std::bad_alloc());
  EXPECT_EQ(host.code, kOutOfMemory);
  EXPECT_EQ(host.message, "out of memory" + kAdvice);
}

TEST(TrialEnd, OfAnotherErrorIsACrash) {
  const auto end = end_after(torch_error("CUDA error: an illegal memory access was encountered"));
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(end.message, "CUDA error: an illegal memory access was encountered");
  EXPECT_FALSE(end.spoils_worker);
}

TEST(TrialEnd, OfAFailedRecordingIsTheWorkersToo) {
  const auto end = end_after(RecordingFailed("this trial's step cannot be recorded: why"));
  EXPECT_EQ(end.code, static_cast<int>(ExitCode::kBadConfig));
  EXPECT_EQ(end.message, "training.cuda_graphs: this trial's step cannot be recorded: why");
  EXPECT_TRUE(end.spoils_worker);
  EXPECT_FALSE(end_after(ConfigError("training.cuda_graphs", "why")).spoils_worker);
}

}  // namespace
}  // namespace mvn
