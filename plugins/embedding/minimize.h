// L-BFGS as scipy's L-BFGS-B does it without bounds: the same steps, the same line search and the
// same rules for the end, so that what scikit-learn leaves short of the optimum is left here, too.
#pragma once

#include <cstddef>
#include <functional>

#include "mvn/torch.h"

namespace mvn {

struct ValueAndSlope {
  double value = 0;
  torch::Tensor slope_N;
};

// As scikit-learn's LogisticRegression sets them.
struct MinimizeRules {
  int steps = 100;                 // at most
  double slope = 1e-4;             // it ends where no slope is steeper
  double decrease = 64 * 0x1p-52;  // or a step gains no more, relative to the value
  std::size_t history = 10;        // pairs of steps and changes of the slope
  int tries = 50;                  // of a line search
};

// Where the function is least, begun at `start_N`; of float64.
torch::Tensor minimize(torch::Tensor start_N,
                       const std::function<ValueAndSlope(const torch::Tensor&)>& function,
                       const MinimizeRules& rules = {});

}  // namespace mvn
