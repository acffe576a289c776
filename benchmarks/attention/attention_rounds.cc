// GPT-Neo's attention, forward and backward: attention_rounds THREADS LENGTH global|local
//
// B 1, 12 heads of 64, fp32. A round's units are tokens.
#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks/rounds.h"
#include "mvn/attention.h"
#include "train/sdk/host_memory.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: attention_rounds THREADS LENGTH global|local\n", stderr);
    return 64;
  }
  mvn::keep_freed_memory();
  torch::set_num_threads(std::stoi(argv[1]));
  const std::int64_t length = std::stol(argv[2]);
  const std::int64_t window = std::string(argv[3]) == "local" ? 256 : 0;
  std::vector<torch::Tensor> qkv;
  for (int i = 0; i < 3; ++i) {
    qkv.push_back(torch::randn({1, 12, length, 64}).requires_grad_(true));
  }
  const auto ids = torch::zeros({1, length}, torch::kLong);
  mvn::benchmark::serve_rounds([&] {
    const auto visible = mvn::visible_keys(ids, {}, window);
    const auto y = mvn::attend(qkv[0], qkv[1], qkv[2], visible, /*scale=*/1.0, /*dropout=*/0);
    static_cast<void>(torch::autograd::grad({y}, qkv, {torch::ones_like(y)}));
    return static_cast<double>(length);
  });
}
