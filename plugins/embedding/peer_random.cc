#include "peer_random.h"

#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

namespace mvn {
namespace {

// 53 bits of two numbers (genrand_res53 of the authors of MT19937).
double unit_of(std::mt19937& engine) {
  const auto high = static_cast<double>(engine() >> 5);
  const auto low = static_cast<double>(engine() >> 6);
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

// The state that Python seeds with (init_by_array of one number), in the form in which
// std::mt19937 takes it.
class SeedOfPython {
 public:
  using result_type = std::uint32_t;

  explicit SeedOfPython(std::uint32_t seed) {
    state_[0] = 19650218;
    for (std::uint32_t i = 1; i < kSize; ++i) state_[i] = 1812433253U * mixed(i - 1) + i;
    std::uint32_t i = 1;
    const auto next = [&] {
      if (++i < kSize) return;
      state_[0] = state_[kSize - 1];
      i = 1;
    };
    for (std::uint32_t k = 0; k < kSize; ++k, next()) {
      state_[i] = (state_[i] ^ (mixed(i - 1) * 1664525U)) + seed;
    }
    for (std::uint32_t k = 1; k < kSize; ++k, next()) {
      state_[i] = (state_[i] ^ (mixed(i - 1) * 1566083941U)) - i;
    }
    state_[0] = 0x80000000U;
  }

  template <typename Iterator>
  void generate(Iterator begin, Iterator /*end*/) const {
    std::copy(state_.begin(), state_.end(), begin);
  }

 private:
  static constexpr std::uint32_t kSize = std::mt19937::state_size;

  [[nodiscard]] std::uint32_t mixed(std::uint32_t i) const { return state_[i] ^ (state_[i] >> 30); }

  std::array<std::uint32_t, kSize> state_{};
};

std::mt19937 engine_of_python(std::uint32_t seed) {
  SeedOfPython sequence(seed);
  return std::mt19937(sequence);
}

}  // namespace

double NumpyRandom::uniform() { return unit_of(engine_); }

// What is too large under the smallest mask of ones is thrown away.
std::int64_t NumpyRandom::below(std::int64_t count) {
  const auto largest = static_cast<std::uint32_t>(count - 1);
  if (largest == 0) return 0;
  const std::uint32_t mask = std::bit_ceil(largest + 1) - 1;
  std::uint32_t drawn = 0;
  do {
    drawn = static_cast<std::uint32_t>(engine_()) & mask;
  } while (drawn > largest);
  return drawn;
}

// Fisher and Yates from the end.
void NumpyRandom::shuffle(std::vector<std::int64_t>& items) {
  for (std::size_t last = items.size(); last > 1;) {
    const auto place = static_cast<std::size_t>(below(static_cast<std::int64_t>(last--)));
    std::swap(items[last], items[place]);
  }
}

PythonRandom::PythonRandom(std::uint32_t seed) : engine_(engine_of_python(seed)) {}

std::vector<std::int64_t> PythonRandom::choices(std::int64_t count, std::int64_t k) {
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < k; ++i) {
    chosen.push_back(
        static_cast<std::int64_t>(std::floor(unit_of(engine_) * static_cast<double>(count))));
  }
  return chosen;
}

// A few of many are drawn until they differ, else they are taken out of a list (Lib/random.py).
std::vector<std::int64_t> PythonRandom::sample(std::int64_t count, std::int64_t k) {
  std::int64_t most = 21;
  if (k > 5) {
    most += static_cast<std::int64_t>(
        std::pow(4, std::ceil(std::log(static_cast<double>(k * 3)) / std::log(4.0))));
  }
  std::vector<std::int64_t> drawn;
  if (count <= most) {
    std::vector<std::int64_t> pool(static_cast<std::size_t>(count));
    std::iota(pool.begin(), pool.end(), 0);
    for (std::int64_t i = 0; i < k; ++i) {
      const auto place = static_cast<std::size_t>(below(count - i));
      drawn.push_back(pool[place]);
      pool[place] = pool[static_cast<std::size_t>(count - i - 1)];
    }
    return drawn;
  }
  std::set<std::int64_t> known;
  while (std::ssize(drawn) < k) {
    const auto one = below(count);
    if (known.insert(one).second) drawn.push_back(one);
  }
  return drawn;
}

std::int64_t PythonRandom::below(std::int64_t count) {
  const auto bits = std::bit_width(static_cast<std::uint64_t>(count));
  std::int64_t drawn = 0;
  do {
    drawn = static_cast<std::int64_t>(engine_() >> (32 - bits));
  } while (drawn >= count);
  return drawn;
}

}  // namespace mvn
