// The random numbers of numpy and of Python, which MTEB draws with: the same for the same seed.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace mvn {

inline constexpr std::uint32_t kMtebSeed = 42;

// numpy.random.RandomState(seed).
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}

  // random_sample(): of [0, 1).
  double uniform();
  // randint(0, count); count is at least 1 and fits into 32 bits.
  std::int64_t below(std::int64_t count);
  // shuffle(items)
  void shuffle(std::vector<std::int64_t>& items);

 private:
  std::mt19937 engine_;
};

// random.Random(seed) of Python 3.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint32_t seed);

  // choices(range(count), k=k): with repetition.
  std::vector<std::int64_t> choices(std::int64_t count, std::int64_t k);
  // sample(range(count), k): without; k is at most `count`.
  std::vector<std::int64_t> sample(std::int64_t count, std::int64_t k);

 private:
  std::int64_t below(std::int64_t count);

  std::mt19937 engine_;
};

}  // namespace mvn
