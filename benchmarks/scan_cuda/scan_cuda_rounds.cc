// The selective scan on a GPU:
//
//   scan_cuda_rounds fp32|bf16 LENGTHS forward|training   units are (token, channel) places
//   scan_cuda_rounds copy                                 units are bytes, read and written
//   scan_cuda_rounds fp32|bf16 exponentials               units are exponentials
//
// MVN_SCAN_CUDA=channel|quad forces one of the two forward kernels.
//
// LENGTHS are the sequences' lengths, "64x128" for 64 of 128 tokens and "16-512" for as many
// between the two as make 8192 tokens. D 1536, N 16, with the gate, D and the bias, as a Mamba
// block calls it. A round runs kRepeats times and waits for the GPU once.
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "benchmarks/rounds.h"
#include "benchmarks/scan_cuda/exponentials.h"
#include "cuda/kernels.h"
#include "fused.h"
#include "mvn/stream.h"
#include "train/sdk/device.h"

namespace mvn::benchmark {
namespace {

using torch::Tensor;

constexpr int kRepeats = 20;
constexpr std::int64_t kChannels = 1536;
constexpr std::int64_t kStates = 16;

std::vector<std::int64_t> lengths_of(const std::string& text) {
  if (const auto times = text.find('x'); times != std::string::npos) {
    return std::vector<std::int64_t>(std::stoul(text.substr(0, times)),
                                     std::stol(text.substr(times + 1)));
  }
  const auto dash = text.find('-');
  if (dash == std::string::npos) throw std::invalid_argument("no lengths: " + text);
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int64_t> draw(std::stol(text.substr(0, dash)),
                                                   std::stol(text.substr(dash + 1)));
  std::vector<std::int64_t> lengths;
  for (std::int64_t left = 8192; left > 0; left -= lengths.back()) {
    lengths.push_back(std::min(left, draw(random)));
  }
  return lengths;
}

Tensor mask_of(const std::vector<std::int64_t>& lengths) {
  const auto length = torch::tensor(lengths);
  return torch::arange(length.max().item<std::int64_t>()).unsqueeze(0) < length.unsqueeze(1);
}

class Scan {
 public:
  Scan(torch::ScalarType type, const std::vector<std::int64_t>& lengths)
      : packing_(mamba::make_packing(mask_of(lengths).to(torch::kCUDA))) {
    const auto tokens = packing_.offsets[packing_.batch].item<std::int64_t>();
    places_ = static_cast<double>(tokens * kChannels * kRepeats);
    const auto floats = torch::TensorOptions(torch::kCUDA).dtype(torch::kFloat32);
    const auto random = [&](std::int64_t columns) {
      return torch::randn({tokens, columns}, floats).to(type).requires_grad_(true);
    };
    u_ = random(kChannels);
    delta_ = random(kChannels);
    gate_ = random(kChannels);
    b_ = random(kStates);
    c_ = random(kStates);
    a_ = -torch::arange(1, kStates + 1, floats).repeat({kChannels, 1});
    d_ = torch::ones({kChannels}, floats);
    bias_ = torch::full({kChannels}, -4.0F, floats);
    d_y_ = torch::ones_like(u_);
  }

  double forward() {
    const torch::NoGradGuard no_grad;
    for (int i = 0; i < kRepeats; ++i) static_cast<void>(run());
    torch::cuda::synchronize();
    return places_;
  }

  double training() {
    for (int i = 0; i < kRepeats; ++i) {
      static_cast<void>(torch::autograd::grad({run()}, {u_, delta_, b_, c_, gate_}, {d_y_}));
    }
    torch::cuda::synchronize();
    return places_;
  }

 private:
  Tensor run() { return mamba::fused_scan(u_, delta_, a_, b_, c_, d_, gate_, bias_, packing_); }

  mamba::Packing packing_;
  double places_;
  Tensor u_, delta_, gate_, b_, c_, a_, d_, bias_, d_y_;
};

// The GPU's memory bandwidth, as a copy sees it.
class Copy {
 public:
  double run() {
    for (int i = 0; i < kRepeats; ++i) to_.copy_(from_);
    torch::cuda::synchronize();
    return 2.0 * kRepeats * static_cast<double>(kBytes);
  }

 private:
  static constexpr std::int64_t kBytes = std::int64_t{1} << 30;
  Tensor from_ = torch::ones({kBytes / 4}, torch::kCUDA);
  Tensor to_ = torch::empty_like(from_);
};

// The rate at which the GPU makes exponentials when it does nothing else.
class Exponentials {
 public:
  explicit Exponentials(bool bfloat16) : bfloat16_(bfloat16) {}
  double run() {
    double made = 0;
    for (int i = 0; i < kRepeats; ++i) {
      made += launch_exponentials(bfloat16_, sink_.data_ptr<float>(), 0,
                                  current_stream(sink_.device()));
    }
    torch::cuda::synchronize();
    return made;
  }

 private:
  bool bfloat16_;
  Tensor sink_ = torch::zeros({1}, torch::Device(torch::kCUDA, 0));
};

int refuse(const std::string& reason) {
  std::fprintf(stderr, "scan_cuda_rounds: %s\n", reason.c_str());
  return 69;
}

int run(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[argc - 1] : "";
  if (!(argc == 2 && what == "copy") && !(argc == 3 && what == "exponentials") && argc != 4) {
    std::fputs(
        "usage: scan_cuda_rounds copy | fp32|bf16 exponentials | "
        "fp32|bf16 LENGTHS forward|training\n",
        stderr);
    return 64;
  }
  const auto warning = open_gpu_library();
  if (!torch::cuda::is_available()) {
    return refuse(warning.empty() ? "there is no GPU on this machine" : warning);
  }
  if (!mamba::gpu::refusal(0).empty()) return refuse(mamba::gpu::refusal(0));
  if (what == "copy") {
    Copy copy;
    serve_rounds([&] { return copy.run(); });
    return 0;
  }
  if (what == "exponentials") {
    Exponentials exponentials(std::string(argv[1]) == "bf16");
    serve_rounds([&] { return exponentials.run(); });
    return 0;
  }
  const auto type = std::string(argv[1]) == "bf16" ? torch::kBFloat16 : torch::kFloat32;
  Scan scan(type, lengths_of(argv[2]));
  serve_rounds([&] { return what == "forward" ? scan.forward() : scan.training(); });
  return 0;
}

}  // namespace
}  // namespace mvn::benchmark

int main(int argc, char** argv) { return mvn::benchmark::run(argc, argv); }
