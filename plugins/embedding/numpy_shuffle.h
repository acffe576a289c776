// numpy's legacy shuffle, which MTEB draws its examples with.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace mvn {

// numpy.random.RandomState(seed).shuffle(items): the same order for the same seed.
void numpy_shuffle(std::uint32_t seed, std::vector<std::int64_t>& items);

}  // namespace mvn
