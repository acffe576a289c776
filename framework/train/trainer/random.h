// Random numbers. Everything random in a trial comes from a stream of its own, derived from the
// trial's seed and the stream's purpose: that one trial draws more for dropout does not change the
// order of its data.
#pragma once

#include <cstdint>
#include <string_view>

#include "mvn/torch.h"

namespace mvn {

// The seed of the stream `purpose` ("data/epoch 3"), the same on every machine.
std::uint64_t stream_seed(std::int64_t seed, std::string_view purpose);

// A CPU generator of that stream. (Drawn on the CPU and copied, a model starts from the same
// weights on every device.)
torch::Generator stream_generator(std::int64_t seed, std::string_view purpose);

// SplitMix64, for shuffles that do not depend on the standard library's distributions.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Evenly distributed in [0, bound), bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t state_;
};

}  // namespace mvn
