// Seeds for kernels that make their random numbers themselves.
#pragma once

#include <cstdint>

#include "mvn/torch.h"

namespace mvn {

// The seed is `number`, plus what `step` holds when the kernel runs, where that is defined.
struct Seed {
  std::uint64_t number = 0;
  torch::Tensor step;  // int64 scalar on a GPU, which the host does not read
};

// Drawn from LibTorch's CPU generator; or, while there is a SeedScope, from its step. Either is
// part of a checkpoint.
Seed draw_seed();

// While it lives, this thread's seeds are of one step: its first, second, ... is a function of the
// int64 scalar `step` alone, which may lie on a GPU and change with every replay of a graph.
class SeedScope {
 public:
  explicit SeedScope(torch::Tensor step);
  ~SeedScope();
  SeedScope(const SeedScope&) = delete;
  SeedScope& operator=(const SeedScope&) = delete;

 private:
  friend Seed draw_seed();

  torch::Tensor step_;
  std::uint64_t drawn_ = 0;
  SeedScope* before_;
};

}  // namespace mvn
