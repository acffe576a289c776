#include "train/trainer/batches.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "train/trainer/random.h"

namespace mvn {
namespace {

// Batches' worth of examples that are sorted together: enough that padding is rare, few enough that
// batches differ from epoch to epoch.
constexpr std::int64_t kWindowBatches = 64;

template <typename T>
void shuffle(std::vector<T>& items, SplitMix& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

std::int64_t window_size(std::span<const std::int32_t> lengths, const TrainingOptions& options) {
  if (!options.batch_tokens) return kWindowBatches * options.batch_size;
  const auto tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  const auto count = static_cast<std::int64_t>(lengths.size());
  const auto mean = std::max<std::int64_t>(1, tokens / std::max<std::int64_t>(1, count));
  return std::max<std::int64_t>(1, kWindowBatches * *options.batch_tokens / mean);
}

// Cuts examples, the shortest first, into batches.
void cut(std::span<const std::int64_t> sorted, std::span<const std::int32_t> lengths,
         const TrainingOptions& options, std::vector<ExampleList>& batches) {
  ExampleList batch;
  for (const auto example : sorted) {
    const auto rows = static_cast<std::int64_t>(batch.size()) + 1;
    const bool full = options.batch_tokens ? rows * lengths[static_cast<std::size_t>(example)] >
                                                 *options.batch_tokens
                                           : rows > options.batch_size;
    // A single example longer than a whole batch still is one.
    if (full && !batch.empty()) batches.push_back(std::exchange(batch, {}));
    batch.push_back(example);
  }
  if (!batch.empty()) batches.push_back(std::move(batch));
}

}  // namespace

std::vector<ExampleList> plan_epoch(std::span<const std::int32_t> lengths,
                                    const TrainingOptions& options, std::int64_t seed,
                                    std::int64_t epoch) {
  SplitMix random(stream_seed(seed, "data/epoch " + std::to_string(epoch)));
  ExampleList order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random);
  const auto window = static_cast<std::size_t>(window_size(lengths, options));
  std::vector<ExampleList> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += window) {
    const std::span part(order.data() + begin, std::min(window, order.size() - begin));
    std::stable_sort(part.begin(), part.end(), [&](std::int64_t a, std::int64_t b) {
      return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
    });
    cut(part, lengths, options, batches);
  }
  shuffle(batches, random);
  return batches;
}

std::vector<ExampleList> plan_evaluation(std::span<const std::int32_t> lengths,
                                         const TrainingOptions& options) {
  ExampleList order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
  });
  TrainingOptions micro = options;
  micro.batch_size = options.micro_batch_size;
  std::vector<ExampleList> batches;
  cut(order, lengths, micro, batches);
  std::reverse(batches.begin(), batches.end());
  return batches;
}

}  // namespace mvn
