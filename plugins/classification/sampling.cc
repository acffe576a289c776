#include "sampling.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace mvn {
namespace {

using Rows = std::vector<std::size_t>;

// SplitMix64 (Steele and others, 2014): a number that says nothing of the next one's.
std::uint64_t scrambled(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15U;
  number = (number ^ (number >> 30U)) * 0xBF58476D1CE4E5B9U;
  number = (number ^ (number >> 27U)) * 0x94D049BB133111EBU;
  return number ^ (number >> 31U);
}

// The rows of each class, shuffled.
std::map<std::string, Rows> shuffled_classes(const std::vector<std::string>& labels,
                                             std::int64_t seed) {
  std::map<std::string, Rows> classes;
  for (std::size_t row = 0; row < labels.size(); ++row) classes[labels[row]].push_back(row);
  const auto start = scrambled(static_cast<std::uint64_t>(seed));
  for (auto& [label, rows] : classes) {
    std::ranges::sort(rows, {}, [&](std::size_t row) { return scrambled(start ^ row); });
  }
  return classes;
}

}  // namespace

std::vector<std::size_t> stratified_sample(const std::vector<std::string>& labels,
                                           std::size_t count, std::int64_t seed) {
  auto classes = shuffled_classes(labels, seed);
  count = std::min(count, labels.size());
  // Whole rows by the quota of each class; those that are left to the largest remainders.
  struct Share {
    std::size_t rows;
    std::size_t remainder;
    const Rows* of;
  };
  std::vector<Share> shares;
  std::size_t taken = 0;
  for (const auto& [label, rows] : classes) {
    const std::size_t quota = rows.size() * count;
    shares.push_back({quota / labels.size(), quota % labels.size(), &rows});
    taken += shares.back().rows;
  }
  Rows order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return shares[i].remainder; });
  for (std::size_t i = 0; taken < count; ++i, ++taken) ++shares[order[i]].rows;
  Rows sample;
  for (const auto& share : shares) {
    sample.insert(sample.end(), share.of->begin(),
                  share.of->begin() + static_cast<std::ptrdiff_t>(share.rows));
  }
  std::ranges::sort(sample);
  return sample;
}

std::vector<std::size_t> sample_per_class(const std::vector<std::string>& labels, std::size_t most,
                                          std::int64_t seed) {
  Rows sample;
  for (const auto& [label, rows] : shuffled_classes(labels, seed)) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, rows.size()));
    sample.insert(sample.end(), rows.begin(), rows.begin() + count);
  }
  std::ranges::sort(sample);
  return sample;
}

}  // namespace mvn
