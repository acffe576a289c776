// Mistral's configuration.
#pragma once

#include <cstdint>
#include <optional>

#include "mvn/model.h"

namespace mvn::mistral {

struct MistralConfig {
  std::int64_t vocabulary;
  std::int64_t positions;
  std::int64_t width;
  std::int64_t inner;  // of the MLP
  std::int64_t layers;
  std::int64_t heads;
  std::int64_t kv_heads;  // heads of keys and values, each serving heads / kv_heads queries
  std::int64_t head_width;
  std::int64_t window;  // tokens that attention sees, the current one included; 0: all
  double rope_theta;
  double norm_epsilon;
  double attention_dropout;
  double deviation;                        // of the random start
  std::optional<std::int64_t> padding_id;  // its embedding gets no gradient
  bool tied;                               // the head is the embedding
};

// Throws ConfigError ("model.config.<key>") for what Mistral does not have or cannot be.
MistralConfig read_config(const ModelContext& context);

// The complete Hugging Face configuration.
Value::Map config_to_save(const MistralConfig& config, const Value::Map& original, HeadKind head);

}  // namespace mvn::mistral
