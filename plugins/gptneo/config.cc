// Source: transformers' configuration_gpt_neo.py.
#include "config.h"

#include <array>

#include "mvn/model_config.h"
#include "mvn/nearest.h"

namespace mvn::gptneo {
namespace {

Attention attention_from(const char* key, const Value& value) {
  if (value.is_text() && value.as_text() == "global") return Attention::kGlobal;
  if (value.is_text() && value.as_text() == "local") return Attention::kLocal;
  ModelConfig::fail(key, "an attention type must be 'global' or 'local'" +
                             (value.is_text() ? ", not '" + value.as_text() + "'" : std::string()));
}

// [[["global", "local"], 6]]: patterns and how often each is repeated.
std::vector<Attention> expand(const Value& types) {
  constexpr const char* kKey = "attention_types";
  constexpr std::size_t kMostLayers = 10'000;
  const auto fail = [] {
    ModelConfig::fail(kKey,
                      "must be a list of [pattern, times], as [[[\"global\", \"local\"], 6]]");
  };
  if (!types.is_list()) fail();
  std::vector<Attention> layers;
  for (const auto& item : types.as_list()) {
    if (!item.is_list() || item.as_list().size() != 2 || !item.as_list()[0].is_list() ||
        !item.as_list()[1].is_int()) {
      fail();
    }
    const auto times = item.as_list()[1].as_int();
    if (times < 0 || times > static_cast<std::int64_t>(kMostLayers)) fail();
    const auto& pattern = item.as_list()[0].as_list();
    for (std::int64_t i = 0; i < times; ++i) {
      for (const auto& type : pattern) layers.push_back(attention_from(kKey, type));
      if (layers.size() > kMostLayers) {
        ModelConfig::fail(kKey, "gives more than " + std::to_string(kMostLayers) + " layers");
      }
    }
  }
  return layers;
}

// attention_types counts, then the explicit attention_layers; without either, global and local
// layers alternate as in every released model.
std::vector<Attention> read_layers(ModelConfig& config) {
  const auto count = config.get_size({"num_layers", "num_hidden_layers"}, 24);
  const auto* types = config.find({"attention_types"});
  const auto* list = config.find({"attention_layers"});
  std::vector<Attention> layers;
  if (types != nullptr) {
    layers = expand(*types);
  } else if (list != nullptr) {
    if (!list->is_list()) ModelConfig::fail("attention_layers", "must be a list");
    for (const auto& type : list->as_list()) {
      layers.push_back(attention_from("attention_layers", type));
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      layers.push_back(i % 2 == 0 ? Attention::kGlobal : Attention::kLocal);
    }
  }
  if (static_cast<std::int64_t>(layers.size()) != count) {
    ModelConfig::fail(types != nullptr ? "attention_types" : "attention_layers",
                      "gives " + std::to_string(layers.size()) + " layers, but num_layers is " +
                          std::to_string(count));
  }
  return layers;
}

std::string read_activation(ModelConfig& config) {
  static const std::vector<std::string> kKnown = {
      "gelu_new", "gelu_pytorch_tanh", "gelu", "relu", "silu", "swish"};
  auto name = config.get_text({"activation_function"}, "gelu_new");
  for (const auto& known : kKnown) {
    if (name == known) return name;
  }
  ModelConfig::fail("activation_function", "unknown value '" + name + "'" + suggest(name, kKnown));
}

double read_dropout(ModelConfig& config, std::string_view name) {
  const double share = config.get_real({name}, 0.0);
  if (share < 0.0 || share >= 1.0) ModelConfig::fail(name, "must be at least 0 and below 1");
  return share;
}

}  // namespace

GptNeoConfig read_config(const ModelContext& context) {
  ModelConfig config(context);
  config.check_model_type({"gpt_neo"});
  GptNeoConfig read{};
  read.vocabulary = config.get_size({"vocab_size"}, 50257);
  read.positions = config.get_size({"max_position_embeddings"}, 2048);
  read.width = config.get_size({"hidden_size"}, 2048);
  read.heads = config.get_size({"num_heads", "num_attention_heads"}, 16);
  if (read.width % read.heads != 0) {
    ModelConfig::fail("num_heads", std::to_string(read.heads) +
                                       " heads do not divide hidden_size " +
                                       std::to_string(read.width));
  }
  read.inner = config.get_size({"intermediate_size"}, 4 * read.width);
  read.window = config.get_size({"window_size"}, 256);
  read.layers = read_layers(config);
  read.activation = read_activation(config);
  read.norm_epsilon = config.get_real({"layer_norm_epsilon"}, 1e-5);
  read.embed_dropout = read_dropout(config, "embed_dropout");
  read.attention_dropout = read_dropout(config, "attention_dropout");
  read.resid_dropout = read_dropout(config, "resid_dropout");
  read.tied = config.get_bool({"tie_word_embeddings"}, true);
  config.ignore({"classifier_dropout", "initializer_range", "gradient_checkpointing",
                 "summary_activation", "summary_first_dropout", "summary_proj_to_labels",
                 "summary_type", "summary_use_proj", "task_specific_params", "tokenizer_class"});
  config.check_unknown_keys();
  return read;
}

Value::Map config_to_save(const GptNeoConfig& config, const Value::Map& original, HeadKind head) {
  Value::Map saved = saved_config(original, "gpt_neo", "GPTNeo", head);
  const auto set = [&](const char* key, Value value) {
    saved.insert_or_assign(key, std::move(value));
  };
  Value::List layers;
  for (const auto type : config.layers) {
    layers.emplace_back(type == Attention::kGlobal ? "global" : "local");
  }
  saved.erase("num_hidden_layers");
  saved.erase("num_attention_heads");
  set("vocab_size", config.vocabulary);
  set("max_position_embeddings", config.positions);
  set("hidden_size", config.width);
  set("num_layers", static_cast<std::int64_t>(config.layers.size()));
  set("num_heads", config.heads);
  set("intermediate_size", config.inner);
  set("window_size", config.window);
  set("attention_layers", layers);
  Value::List types;
  types.emplace_back(Value::List{Value(layers), Value(1)});
  set("attention_types", types);
  set("activation_function", config.activation);
  set("layer_norm_epsilon", config.norm_epsilon);
  set("embed_dropout", config.embed_dropout);
  set("attention_dropout", config.attention_dropout);
  set("resid_dropout", config.resid_dropout);
  set("tie_word_embeddings", config.tied);
  return saved;
}

}  // namespace mvn::gptneo
