// The bodies of the GPU's thread blocks with a CPU's thread for each of theirs, and barriers where
// they ask for one: a missing barrier is a data race, which ThreadSanitizer finds
// (-DMVN_SANITIZE=thread), and a wrong result now and then.
#include <barrier>
#include <memory>
#include <thread>

#include "cuda/scan_backward.h"
#include "cuda/scan_forward.h"
#include "scan_definition.h"

namespace mvn::mamba {
namespace {

// What the threads of a block share beside its shared memory.
struct Meeting {
  std::barrier<> block{gpu::kThreads};
  std::vector<std::unique_ptr<std::barrier<>>> warps;
  float exchanged[gpu::kThreads][4];

  Meeting() {
    for (int i = 0; i < gpu::kWarps; ++i) {
      warps.push_back(std::make_unique<std::barrier<>>(gpu::kWarp));
    }
  }
};

template <typename Lane>
class ThreadBlock {
 public:
  ThreadBlock(int thread, Meeting& meeting) : thread_(thread), meeting_(meeting) {}

  template <typename Phase>
  void run(const Phase& phase) {
    phase(thread_, lane_);
  }
  void barrier() { meeting_.block.arrive_and_wait(); }
  void warp_barrier() { meeting_.warps[warp()]->arrive_and_wait(); }

  // As the GPU's, whose exchange needs no memory.
  template <int kHalf>
  void fold(int bit) {
    const bool upper = (thread_ & bit) != 0;
    for (int i = 0; i < kHalf; ++i) {
      meeting_.exchanged[thread_][i] = gpu::sent<kHalf>(lane_.values, i, upper);
    }
    meeting_.warps[warp()]->arrive_and_wait();
    for (int i = 0; i < kHalf; ++i) {
      lane_.values[i] =
          gpu::kept<kHalf>(lane_.values, i, upper) + meeting_.exchanged[thread_ ^ bit][i];
    }
    meeting_.warps[warp()]->arrive_and_wait();
  }

 private:
  [[nodiscard]] std::size_t warp() const { return static_cast<std::size_t>(thread_ / gpu::kWarp); }

  int thread_;
  Meeting& meeting_;
  Lane lane_;
};

// body(block) on every thread of a block.
template <typename Lane, typename Body>
void run_block(const Body& body) {
  Meeting meeting;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < gpu::kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      ThreadBlock<Lane> block(thread, meeting);
      body(block);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(GpuThreads, TheBlocksGiveTheSameWithThreadsOfTheirOwn) {
  // Two groups, the second of them not full, in one part; tiles before and after one another.
  const Problem p = make_problem(40, 16, true, {37});
  const auto checkpoints = static_cast<std::size_t>(p.chunk_offsets.back() * p.channels * p.states);
  Arrays<float> by_quad(p, 1, checkpoints);
  Arrays<float> by_channel(p, 1, checkpoints);
  run_block<gpu::ChannelLane<float>>([&, shared = std::make_unique<gpu::ChannelShared>()](auto& b) {
    gpu::forward_by_channel(by_channel.in, by_channel.outputs, 0, 0, b, *shared);
  });
  for (const std::int64_t first : {0, gpu::kQuadChannels}) {
    run_block<gpu::QuadLane<float>>([&, shared = std::make_unique<gpu::QuadShared>()](auto& b) {
      gpu::forward_by_quad(by_quad.in, by_quad.outputs, 0, first, b, *shared);
    });
  }
  run_block<gpu::BackwardLane<float>>(
      [&, shared = std::make_unique<gpu::BackwardShared>()](auto& b) {
        gpu::backward<true>(by_quad.in, by_quad.gradients, 0, 0, 1, b, *shared);
      });
  expect_near(by_quad.result(), define(p), 2e-6);
  EXPECT_EQ(by_channel.result().out, by_quad.result().out);
}

}  // namespace
}  // namespace mvn::mamba
