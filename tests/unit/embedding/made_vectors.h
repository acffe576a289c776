// Vectors of which every value is exact in float32, and that a line of Python makes as well:
//     [((i*7919 + d*104729 + i*d*31) % 1009 - 504) / 512 for d in range(8)]
#pragma once

#include <cstdint>
#include <vector>

#include "mvn/torch.h"

namespace mvn::test {

// Of row i of `labels` the values above, and (label*53 + d*17) % 13 - 6 sixteenths more.
inline torch::Tensor made_vectors(std::int64_t rows, const std::vector<std::int64_t>& labels = {}) {
  auto vectors = torch::zeros({rows, 8});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t d = 0; d < 8; ++d) {
      auto value = static_cast<float>((i * 7919 + d * 104729 + i * d * 31) % 1009 - 504) / 512;
      if (!labels.empty()) {
        const auto label = labels[static_cast<std::size_t>(i)];
        value += static_cast<float>((label * 53 + d * 17) % 13 - 6) / 16;
      }
      vectors.data_ptr<float>()[i * 8 + d] = value;
    }
  }
  return vectors;
}

}  // namespace mvn::test
