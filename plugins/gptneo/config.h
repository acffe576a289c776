// GPT-Neo's configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mvn/model.h"

namespace mvn::gptneo {

enum class Attention { kGlobal, kLocal };

struct GptNeoConfig {
  std::int64_t vocabulary;
  std::int64_t positions;
  std::int64_t width;
  std::int64_t heads;
  std::int64_t inner;   // of the MLP
  std::int64_t window;  // tokens that local attention sees, the current one included
  std::vector<Attention> layers;
  std::string activation;
  double norm_epsilon;
  double embed_dropout;
  double attention_dropout;
  double resid_dropout;
  bool tied;  // the head is the embedding
};

// Throws ConfigError ("model.config.<key>") for what GPT-Neo does not have or cannot be.
GptNeoConfig read_config(const ModelContext& context);

// The complete Hugging Face configuration.
Value::Map config_to_save(const GptNeoConfig& config, const Value::Map& original, HeadKind head);

}  // namespace mvn::gptneo
