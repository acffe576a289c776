// Which examples go into which batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/recipe/sections.h"

namespace mvn {

using ExampleList = std::vector<std::int64_t>;

// The batches of epoch 0, 1, ... in the order of training: a function of the lengths, the options,
// the seed and the epoch alone. Every example once. Examples are shuffled, sorted by length within
// windows of many batches, cut into batches (a batch is as wide as its longest example, so equals
// go together), and the batches shuffled.
std::vector<ExampleList> plan_epoch(std::span<const std::int32_t> lengths,
                                    const TrainingOptions& options, std::int64_t seed,
                                    std::int64_t epoch);

// Every example once, in micro-batches, the longest first: what does not fit into memory shows at
// once.
std::vector<ExampleList> plan_evaluation(std::span<const std::int32_t> lengths,
                                         const TrainingOptions& options);

}  // namespace mvn
