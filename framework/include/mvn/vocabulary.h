// Whether a model's vocabulary has the ids that a task's tokenizer gave its data.
#pragma once

#include <cstdint>
#include <string>

#include "mvn/error.h"
#include "mvn/model.h"

namespace mvn {

// Throws ConfigError("model.tokenizer") where `largest_id` has no row in the model's embedding.
inline void expect_in_vocabulary(std::int32_t largest_id, const Model& model) {
  if (largest_id < model.vocabulary()) return;
  throw ConfigError("model.tokenizer", "gives the data ids up to " + std::to_string(largest_id) +
                                           ", but the model's vocabulary has " +
                                           std::to_string(model.vocabulary()) + " rows");
}

}  // namespace mvn
