// The original repositories (state-spaces/mamba-130m) write d_model, n_layer and ssm_cfg and no
// model_type; Hugging Face's write hidden_size, num_hidden_layers and the rest at the top level,
// and often the original's keys beside them.
// Sources: mamba_ssm/models/config_mamba.py, transformers' configuration_mamba.py.
#include "config.h"

#include <cstdint>
#include <limits>

#include "mvn/error.h"
#include "mvn/model_config.h"

namespace mvn::mamba {
namespace {

// Keys that say how the reference computes, not what.
void ignore_harmless(ModelConfig& config) {
  config.ignore({"fused_add_norm", "rescale_prenorm_residual", "initializer_range", "use_mambapy",
                 "use_associative_scan"});
}

// `layer` of ssm_cfg, attention layers and MLPs make another architecture.
void refuse_other_architectures(ModelConfig& config, const Value* ssm) {
  if (ssm != nullptr) {
    const auto* layer = ssm->find("layer");
    if (layer != nullptr && !(layer->is_text() && layer->as_text() == "Mamba1")) {
      ModelConfig::fail(
          "ssm_cfg", "only Mamba-1 layers are supported" +
                         (layer->is_text() ? ", not '" + layer->as_text() + "'" : std::string()));
    }
  }
  const auto* attention = config.find({"attn_layer_idx"});
  if (attention != nullptr && !(attention->is_list() && attention->as_list().empty())) {
    ModelConfig::fail("attn_layer_idx", "hybrid models with attention layers are not supported");
  }
  config.ignore({"attn_cfg"});
  if (config.get_int({"d_intermediate"}, 0) != 0) {
    ModelConfig::fail("d_intermediate", "Mamba blocks with an MLP are not supported");
  }
  if (!config.get_bool({"rms_norm"}, true)) {
    ModelConfig::fail("rms_norm", "only RMSNorm is supported");
  }
  if (const auto act = config.get_text({"hidden_act"}, "silu"); act != "silu" && act != "swish") {
    ModelConfig::fail("hidden_act", "only 'silu' is supported, not '" + act + "'");
  }
}

// The original pads the vocabulary when it builds the model; Hugging Face's vocab_size is final.
std::int64_t rows(ModelConfig& config, bool original) {
  const auto vocabulary = config.get_size({"vocab_size"}, original ? 50277 : 50280);
  const auto multiple = config.get_size({"pad_vocab_size_multiple"}, 8);
  return original ? (vocabulary + multiple - 1) / multiple * multiple : vocabulary;
}

// "auto" is one sixteenth of the width, rounded up.
std::int64_t read_rank(ModelConfig& config, std::int64_t width) {
  const auto* value = config.find({"time_step_rank", "dt_rank"});
  const auto automatic = (width + 15) / 16;
  if (value != nullptr && value->is_text() && value->as_text() == "auto") return automatic;
  return config.get_size({"time_step_rank", "dt_rank"}, automatic);
}

bool read_constant_steps(ModelConfig& config) {
  const auto scheme = config.get_text({"time_step_init_scheme", "dt_init"}, "random");
  if (scheme != "random" && scheme != "constant") {
    ModelConfig::fail("time_step_init_scheme",
                      "must be 'random' or 'constant', not '" + scheme + "'");
  }
  return scheme == "constant";
}

// The original keeps the block's settings in `ssm_cfg`: lay them beside the others.
Value::Map flattened(const Value::Map& config) {
  Value::Map flat = config;
  const auto ssm = config.find("ssm_cfg");
  if (ssm != config.end() && ssm->second.is_map()) {
    for (const auto& [key, value] : ssm->second.as_map()) flat.try_emplace(key, value);
  }
  return flat;
}

}  // namespace

MambaConfig read_config(const ModelContext& context) {
  const Value::Map flat = flattened(context.config);
  const ModelContext flat_context{context.params, flat, context.options, context.head};
  ModelConfig config(flat_context);
  config.check_model_type({"mamba"});
  const bool original = config.find({"model_type"}) == nullptr &&
                        config.find({"hidden_size"}) == nullptr &&
                        config.find({"d_model"}) != nullptr;
  refuse_other_architectures(config, config.find({"ssm_cfg"}));
  config.ignore({"layer"});
  MambaConfig read{};
  read.vocabulary = rows(config, original);
  read.width = config.get_size({"hidden_size", "d_model"}, original ? 2560 : 768);
  read.layers = config.get_size({"num_hidden_layers", "n_layer"}, original ? 64 : 32);
  const double expand = config.get_real({"expand"}, 2.0);
  const double channels = expand * static_cast<double>(read.width);
  if (!(channels >= 1.0 && channels <= std::numeric_limits<std::int32_t>::max())) {
    ModelConfig::fail("expand", "times hidden_size must be from 1 to 2147483647");
  }
  read.inner = static_cast<std::int64_t>(channels);
  if (const auto inner = config.get_size({"intermediate_size", "d_inner"}, read.inner);
      inner != read.inner) {
    ModelConfig::fail("intermediate_size", "is " + std::to_string(inner) +
                                               ", but expand x hidden_size is " +
                                               std::to_string(read.inner));
  }
  read.states = config.get_size({"state_size", "d_state"}, 16);
  read.kernel = config.get_size({"conv_kernel", "d_conv"}, 4);
  read.rank = read_rank(config, read.width);
  read.norm_epsilon = config.get_real({"layer_norm_epsilon"}, 1e-5);
  read.bias = config.get_bool({"use_bias", "bias"}, false);
  read.conv_bias = config.get_bool({"use_conv_bias", "conv_bias"}, true);
  read.fp32_residual = config.get_bool({"residual_in_fp32"}, true);
  read.tied = config.get_bool({"tie_word_embeddings", "tie_embeddings"}, true);
  read.step_min = config.get_real({"time_step_min", "dt_min"}, 0.001);
  read.step_max = config.get_real({"time_step_max", "dt_max"}, 0.1);
  read.step_floor = config.get_real({"time_step_floor", "dt_init_floor"}, 1e-4);
  read.step_scale = config.get_real({"time_step_scale", "dt_scale"}, 1.0);
  read.constant_steps = read_constant_steps(config);
  ignore_harmless(config);
  config.check_unknown_keys();
  return read;
}

Value::Map config_to_save(const MambaConfig& config, const Value::Map& original, HeadKind head) {
  Value::Map saved = saved_config(original, "mamba", "Mamba", head);
  const auto set = [&](const char* key, Value value) {
    saved.insert_or_assign(key, std::move(value));
  };
  set("vocab_size", config.vocabulary);
  set("hidden_size", config.width);
  set("num_hidden_layers", config.layers);
  set("intermediate_size", config.inner);
  const auto whole = config.inner / config.width;
  set("expand", whole * config.width == config.inner
                    ? Value(whole)
                    : Value(static_cast<double>(config.inner) / static_cast<double>(config.width)));
  set("state_size", config.states);
  set("conv_kernel", config.kernel);
  set("time_step_rank", config.rank);
  set("layer_norm_epsilon", config.norm_epsilon);
  set("use_bias", config.bias);
  set("use_conv_bias", config.conv_bias);
  set("residual_in_fp32", config.fp32_residual);
  set("hidden_act", "silu");
  set("time_step_min", config.step_min);
  set("time_step_max", config.step_max);
  set("time_step_floor", config.step_floor);
  set("time_step_scale", config.step_scale);
  set("time_step_init_scheme", config.constant_steps ? "constant" : "random");
  set("tie_word_embeddings", config.tied);
  // It says how weights start, yet transformers also applies it to those that it has just loaded:
  // every out_proj would be divided by the root of the number of layers.
  set("rescale_prenorm_residual", false);
  return saved;
}

}  // namespace mvn::mamba
