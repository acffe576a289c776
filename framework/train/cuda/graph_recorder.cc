// CUDA graphs through LibTorch's own, which record its allocator and its generator with them.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include <string>

#include "train/sdk/graph.h"
#include "train/sdk/out_of_memory.h"

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
  ~CudaGraphRecorder() override {
    try {
      wait_for(device_);
    } catch (const c10::Error&) {
      // A GPU that has failed fails here again, while the first error is on its way.
    }
  }

  std::unique_ptr<Graph> record(const std::function<void()>& work) override {
    try {
      // A graph's memory is its own: what the allocator keeps of the steps made plainly would be
      // held beside it.
      wait_for(device_);
      c10::cuda::CUDACachingAllocator::emptyCache();
      return std::make_unique<CudaGraph>(work, pool_);
    } catch (const c10::Error& e) {
      if (is_out_of_memory(e)) throw;
      const std::string text = e.what_without_backtrace();
      throw RecordingFailed("this trial's step cannot be recorded: " +
                            text.substr(0, text.find('\n')));
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
