// Dropout whose mask is a function of a seed and the element's index: nothing is stored, the
// backward pass makes the same mask again, and the number of threads changes nothing.
#pragma once

#include <cstdint>

#include "mvn/torch.h"

namespace mvn {

// Elements stay with probability 1 - p, scaled by 1 / (1 - p).
struct Dropout {
  double p = 0;
  std::uint64_t seed = 0;
  torch::Tensor step = {};  // as of a Seed
};

// With draw_seed() of mvn/seed.h; p 0 draws nothing.
Dropout draw_dropout(double p);

// x with the mask applied, in float32. x is float32 or bfloat16, on the CPU or on a GPU for which
// gpu::has_dropout(); the mask is the same there.
torch::Tensor drop(const torch::Tensor& x, const Dropout& dropout);
// The same in place and in x's type, for a contiguous tensor.
void drop_in_place(torch::Tensor& x, const Dropout& dropout);

}  // namespace mvn
