#include "numpy_shuffle.h"

#include <bit>
#include <utility>

namespace mvn {

// Fisher and Yates from the end; a place is drawn by throwing away what is too large under the
// smallest mask of ones (numpy's random_interval).
void numpy_shuffle(std::uint32_t seed, std::vector<std::int64_t>& items) {
  std::mt19937 random(seed);
  for (std::size_t last = items.size(); last > 1;) {
    const auto largest = static_cast<std::uint32_t>(--last);
    const std::uint32_t mask = std::bit_ceil(largest + 1) - 1;
    std::uint32_t place = 0;
    do {
      place = static_cast<std::uint32_t>(random()) & mask;
    } while (place > largest);
    std::swap(items[last], items[place]);
  }
}

}  // namespace mvn
