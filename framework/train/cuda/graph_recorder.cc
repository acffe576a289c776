// CUDA graphs through LibTorch's own, which record its allocator and its generator with them.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <string>

#include "mvn/error.h"
#include "train/sdk/graph.h"

namespace mvn {
namespace {

class CudaGraph : public Graph {
 public:
  CudaGraph(const std::function<void()>& work, at::cuda::MempoolId_t pool) {
    graph_.capture_begin(pool);
    try {
      work();
    } catch (...) {
      abandon();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  // The stream is of use again only when its recording has ended, which then says why it failed.
  void abandon() noexcept {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
      // It is why `work` threw.
    }
  }

  at::cuda::CUDAGraph graph_;
};

class CudaGraphRecorder : public GraphRecorder {
 public:
  explicit CudaGraphRecorder(c10::DeviceIndex device)
      : guard_((wait_for(device), c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device))),
        device_(device) {}

  // What comes after goes to the stream from before.
  ~CudaGraphRecorder() override { wait_for(device_); }

  std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    try {
      return std::make_unique<CudaGraph>(work, pool_);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error& e) {
      const std::string text = e.what_without_backtrace();
      throw ConfigError("training.cuda_graphs",
                        "this trial's step cannot be recorded: " + text.substr(0, text.find('\n')));
    }
  }

 private:
  static void wait_for(c10::DeviceIndex device) {
    const c10::cuda::CUDAGuard guard(device);
    c10::cuda::device_synchronize();
  }

  c10::cuda::CUDAStreamGuard guard_;
  c10::DeviceIndex device_;
  at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
};

}  // namespace
}  // namespace mvn

extern "C" __attribute__((visibility("default"))) mvn::GraphRecorder* mvn_cuda_graph_recorder(
    int device) {
  return new mvn::CudaGraphRecorder(static_cast<c10::DeviceIndex>(device));
}
