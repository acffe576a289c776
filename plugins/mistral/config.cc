// Source: transformers' configuration_mistral.py, and the config.json of mistralai/Mistral-7B-v0.1
// and intfloat/e5-mistral-7b-instruct.
#include "config.h"

#include <string>

#include "mvn/model_config.h"

namespace mvn::mistral {
namespace {

// `rope_theta` at the top level, or in the `rope_parameters` of newer files. Scaled rotations are
// another architecture.
double read_rope(ModelConfig& config) {
  const double theta = config.get_real({"rope_theta"}, 10000.0);
  const auto* scaling = config.find({"rope_scaling"});
  const auto* parameters = config.find({"rope_parameters"});
  for (const auto* rope : {scaling, parameters}) {
    if (rope == nullptr) continue;
    const char* key = rope == scaling ? "rope_scaling" : "rope_parameters";
    const auto* type = rope->find("rope_type");
    if (type == nullptr) type = rope->find("type");
    if (type != nullptr && !(type->is_text() && type->as_text() == "default")) {
      ModelConfig::fail(key,
                        "only the default rotary embedding is supported" +
                            (type->is_text() ? ", not '" + type->as_text() + "'" : std::string()));
    }
    const auto* own = rope->find("rope_theta");
    if (own != nullptr && own->is_real()) return own->as_real();
  }
  return theta;
}

void refuse_other_architectures(ModelConfig& config) {
  if (const auto act = config.get_text({"hidden_act"}, "silu"); act != "silu" && act != "swish") {
    ModelConfig::fail("hidden_act", "only 'silu' is supported, not '" + act + "'");
  }
  for (const auto* key : {"attention_bias", "mlp_bias"}) {
    if (config.get_bool({key}, false)) ModelConfig::fail(key, "Mistral's layers have no bias");
  }
}

void read_heads(ModelConfig& config, MistralConfig& read) {
  read.heads = config.get_size({"num_attention_heads"}, 32);
  read.kv_heads = config.get_size({"num_key_value_heads"}, 8);
  if (read.heads % read.kv_heads != 0) {
    ModelConfig::fail("num_key_value_heads", std::to_string(read.kv_heads) +
                                                 " do not divide num_attention_heads " +
                                                 std::to_string(read.heads));
  }
  const bool divides = read.width % read.heads == 0;
  if (config.find({"head_dim"}) == nullptr && !divides) {
    ModelConfig::fail(
        "num_attention_heads",
        std::to_string(read.heads) + " do not divide hidden_size " + std::to_string(read.width));
  }
  read.head_width = config.get_size({"head_dim"}, read.width / read.heads);
  if (read.head_width % 2 != 0) {
    ModelConfig::fail("head_dim", "must be even for the rotary embedding, got " +
                                      std::to_string(read.head_width));
  }
}

}  // namespace

MistralConfig read_config(const ModelContext& context) {
  ModelConfig config(context);
  config.check_model_type({"mistral"});
  refuse_other_architectures(config);
  MistralConfig read{};
  read.vocabulary = config.get_size({"vocab_size"}, 32000);
  read.positions = config.get_size({"max_position_embeddings"}, 131072);
  read.width = config.get_size({"hidden_size"}, 4096);
  read.inner = config.get_size({"intermediate_size"}, 14336);
  read.layers = config.get_size({"num_hidden_layers"}, 32);
  read_heads(config, read);
  // An explicit null means no window; the class's default is 4096.
  const auto window = context.config.find("sliding_window");
  const bool no_window = window != context.config.end() && window->second.is_null();
  read.window = no_window ? 0 : config.get_size({"sliding_window"}, 4096);
  config.ignore({"sliding_window"});
  read.rope_theta = read_rope(config);
  read.norm_epsilon = config.get_real({"rms_norm_eps"}, 1e-6);
  read.attention_dropout = config.get_real({"attention_dropout"}, 0.0);
  if (read.attention_dropout < 0.0 || read.attention_dropout >= 1.0) {
    ModelConfig::fail("attention_dropout", "must be at least 0 and below 1");
  }
  read.deviation = config.get_real({"initializer_range"}, 0.02);
  if (config.find({"pad_token_id"}) != nullptr) {
    read.padding_id = config.get_int({"pad_token_id"}, 0);
  }
  read.tied = config.get_bool({"tie_word_embeddings"}, false);
  config.ignore({"pretraining_tp"});
  config.check_unknown_keys();
  return read;
}

Value::Map config_to_save(const MistralConfig& config, const Value::Map& original, HeadKind head) {
  Value::Map saved = saved_config(original, "mistral", "Mistral", head);
  const auto set = [&](const char* key, Value value) {
    saved.insert_or_assign(key, std::move(value));
  };
  set("vocab_size", config.vocabulary);
  set("max_position_embeddings", config.positions);
  set("hidden_size", config.width);
  set("intermediate_size", config.inner);
  set("num_hidden_layers", config.layers);
  set("num_attention_heads", config.heads);
  set("num_key_value_heads", config.kv_heads);
  set("head_dim", config.head_width);
  set("sliding_window", config.window == 0 ? Value() : Value(config.window));
  set("rms_norm_eps", config.norm_epsilon);
  set("attention_dropout", config.attention_dropout);
  set("initializer_range", config.deviation);
  set("hidden_act", "silu");
  set("tie_word_embeddings", config.tied);
  // Newer readers know `rope_parameters` only, older ones `rope_theta` only.
  set("rope_theta", config.rope_theta);
  set("rope_parameters", Value::Map{{"rope_theta", config.rope_theta}, {"rope_type", "default"}});
  saved.erase("rope_scaling");
  return saved;
}

}  // namespace mvn::mistral
