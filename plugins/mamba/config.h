// Mamba's configuration, from either layout of config.json.
#pragma once

#include <cstdint>
#include <string>

#include "mvn/model.h"

namespace mvn::mamba {

struct MambaConfig {
  std::int64_t vocabulary;  // rows of the embedding, padding included
  std::int64_t width;
  std::int64_t layers;
  std::int64_t inner;  // channels of the scan
  std::int64_t states;
  std::int64_t kernel;  // tokens that the convolution sees
  std::int64_t rank;    // of the time step's projection
  double norm_epsilon;
  bool bias;  // of in_proj and out_proj
  bool conv_bias;
  bool fp32_residual;
  bool tied;  // the head is the embedding
  // The random start.
  double step_min;
  double step_max;
  double step_floor;
  double step_scale;
  bool constant_steps;  // dt_proj starts constant, not uniform
};

// Throws ConfigError ("model.config.<key>") for what Mamba-1 does not have or cannot be.
MambaConfig read_config(const ModelContext& context);

// The complete Hugging Face configuration.
Value::Map config_to_save(const MambaConfig& config, const Value::Map& original, HeadKind head);

}  // namespace mvn::mamba
