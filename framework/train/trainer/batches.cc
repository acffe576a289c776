#include "train/trainer/batches.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "train/trainer/random.h"

namespace mvn {
namespace {

// Batches' worth of examples that are sorted together: enough that padding is rare (with 64, a
// twentieth of banking77's batches was), few enough that batches differ from epoch to epoch.
constexpr std::int64_t kWindowBatches = 256;

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

struct Limits {
  std::int64_t examples = std::numeric_limits<std::int64_t>::max();
  std::int64_t tokens = std::numeric_limits<std::int64_t>::max();
};

// Cuts examples, the shortest first, into batches.
void cut(std::span<const std::int64_t> sorted, std::span<const std::int32_t> lengths,
         const Limits& limits, std::vector<ExampleList>& batches) {
  ExampleList batch;
  for (const auto example : sorted) {
    const auto rows = static_cast<std::int64_t>(batch.size()) + 1;
    const bool full =
        rows > limits.examples || rows * lengths[static_cast<std::size_t>(example)] > limits.tokens;
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
  Limits limits;
  (options.batch_tokens ? limits.tokens : limits.examples) =
      options.batch_tokens.value_or(options.batch_size);
  std::vector<ExampleList> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += window) {
    const std::span part(order.data() + begin, std::min(window, order.size() - begin));
    std::stable_sort(part.begin(), part.end(), [&](std::int64_t a, std::int64_t b) {
      return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
    });
    cut(part, lengths, limits, batches);
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
  Limits limits{.examples = options.micro_batch_size};
  if (options.batch_tokens) limits.tokens = *options.batch_tokens;
  std::vector<ExampleList> batches;
  cut(order, lengths, limits, batches);
  std::reverse(batches.begin(), batches.end());
  return batches;
}

}  // namespace mvn
