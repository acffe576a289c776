// The selective scan: scan_rounds THREADS fp32|bf16 LENGTH forward|training
//
// B 4, D 1536, N 16, with the gate, D and the bias, as a Mamba block calls it. A round's units are
// (batch, token, channel) places.
#include <cstdio>
#include <string>

#include "benchmarks/rounds.h"
#include "fused.h"
#include "train/sdk/host_memory.h"

namespace mvn::benchmark {
namespace {

using torch::Tensor;

class Scan {
 public:
  Scan(torch::ScalarType type, std::int64_t length)
      : packing_(mamba::make_packing(torch::ones({kBatch, length}, torch::kBool))),
        places_(static_cast<double>(kBatch * length * kChannels)) {
    const auto rows = kBatch * length;
    const auto random = [&](std::int64_t columns) {
      return torch::randn({rows, columns}).to(type).requires_grad_(true);
    };
    u_ = random(kChannels);
    delta_ = random(kChannels);
    gate_ = random(kChannels);
    b_ = random(kStates);
    c_ = random(kStates);
    a_ = -torch::arange(1, kStates + 1, torch::kFloat32).repeat({kChannels, 1});
    d_ = torch::ones({kChannels});
    bias_ = torch::full({kChannels}, -4.0F);
  }

  double forward() {
    const torch::NoGradGuard no_grad;
    static_cast<void>(run());
    return places_;
  }

  double training() {
    const auto y = run();
    static_cast<void>(
        torch::autograd::grad({y}, {u_, delta_, b_, c_, gate_}, {torch::ones_like(y)}));
    return places_;
  }

 private:
  static constexpr std::int64_t kBatch = 4;
  static constexpr std::int64_t kChannels = 1536;
  static constexpr std::int64_t kStates = 16;

  Tensor run() { return mamba::fused_scan(u_, delta_, a_, b_, c_, d_, gate_, bias_, packing_); }

  mamba::Packing packing_;
  double places_;
  Tensor u_, delta_, gate_, b_, c_, a_, d_, bias_;
};

}  // namespace
}  // namespace mvn::benchmark

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: scan_rounds THREADS fp32|bf16 LENGTH forward|training\n", stderr);
    return 64;
  }
  mvn::keep_freed_memory();
  torch::set_num_threads(std::stoi(argv[1]));
  const auto type = std::string(argv[2]) == "bf16" ? torch::kBFloat16 : torch::kFloat32;
  mvn::benchmark::Scan scan(type, std::stol(argv[3]));
  const bool forward = std::string(argv[4]) == "forward";
  mvn::benchmark::serve_rounds([&] { return forward ? scan.forward() : scan.training(); });
}
