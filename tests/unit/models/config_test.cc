// What the model plugins make of config.json: every form that people have, and what they refuse.
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/parse.h"
#include "support/plugin_library.h"

namespace mvn {
namespace {

using test::error_of;
using test::make_model;
using test::parse;

// What building a model from this configuration says.
std::string building(const std::string& plugin, const std::string& json, bool own_keys = false) {
  return error_of([&] {
    make_model(plugin, parse(json), torch::TensorOptions().device(torch::kMeta),
               HeadKind::kLanguageModel, own_keys);
  });
}

std::shared_ptr<Model> on_meta(const std::string& plugin, const std::string& json,
                               HeadKind head = HeadKind::kLanguageModel) {
  return make_model(plugin, parse(json), torch::TensorOptions().device(torch::kMeta), head);
}

std::int64_t parameters(const Model& model) {
  std::int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.numel();
  return count;
}

std::string shape(const Model& model, const std::string& parameter) {
  std::ostringstream text;
  text << model.named_parameters()[parameter].sizes();
  return text.str();
}

TEST(ReleasedModels, HaveTheParametersTheyAreKnownFor) {
  EXPECT_EQ(parameters(*on_meta("mamba", R"({"model_type": "mamba", "hidden_size": 768,
      "num_hidden_layers": 24, "vocab_size": 50280})")),
            129'135'360);
  EXPECT_EQ(parameters(*on_meta("gptneo", R"({"model_type": "gpt_neo", "hidden_size": 768,
      "num_layers": 12, "num_heads": 12, "attention_types": [[["global", "local"], 6]]})")),
            125'198'592);
  const std::string mistral = R"({"model_type": "mistral"})";
  EXPECT_EQ(parameters(*on_meta("mistral", mistral)), 7'241'732'096);
  EXPECT_EQ(parameters(*on_meta("mistral", mistral, HeadKind::kClassification)), 7'110'660'096);
}

TEST(MambaConfig, ReadsTheOriginalLayout) {
  const auto model = on_meta("mamba", R"({"d_model": 768, "n_layer": 24, "vocab_size": 50277,
      "ssm_cfg": {}, "rms_norm": true, "residual_in_fp32": true, "fused_add_norm": true,
      "pad_vocab_size_multiple": 8})");
  EXPECT_EQ(model->vocabulary(), 50280);
  EXPECT_EQ(parameters(*model), 129'135'360);
  const auto other = on_meta("mamba", R"({"d_model": 64, "n_layer": 1, "vocab_size": 8,
      "ssm_cfg": {"d_state": 8, "expand": 3, "dt_rank": 5, "d_conv": 2, "bias": true}})");
  EXPECT_EQ(shape(*other, "backbone.layers.0.mixer.x_proj.weight"), "[21, 192]");
  EXPECT_EQ(shape(*other, "backbone.layers.0.mixer.conv1d.weight"), "[192, 1, 2]");
  EXPECT_EQ(shape(*other, "backbone.layers.0.mixer.in_proj.bias"), "[384]");
}

TEST(MambaConfig, TakesAHuggingFaceVocabularyAsItIs) {
  const auto model = on_meta("mamba", R"({"model_type": "mamba", "vocab_size": 61,
      "hidden_size": 16, "num_hidden_layers": 1, "pad_vocab_size_multiple": 8})");
  EXPECT_EQ(model->vocabulary(), 61);
}

TEST(MambaConfig, RefusesOtherArchitectures) {
  EXPECT_EQ(building("mamba", R"({"model_type": "mamba2"})"),
            "model.config.model_type: unknown model_type 'mamba2' for this plugin; did you mean "
            "'mamba'? (known: mamba)");
  EXPECT_EQ(building("mamba", R"({"d_model": 16, "ssm_cfg": {"layer": "Mamba2"}})"),
            "model.config.ssm_cfg: only Mamba-1 layers are supported, not 'Mamba2'");
  EXPECT_EQ(building("mamba", R"({"d_model": 16, "attn_layer_idx": [3]})"),
            "model.config.attn_layer_idx: hybrid models with attention layers are not supported");
  EXPECT_EQ(building("mamba", R"({"d_model": 16, "d_intermediate": 64})"),
            "model.config.d_intermediate: Mamba blocks with an MLP are not supported");
  EXPECT_EQ(building("mamba", R"({"rms_norm": false})"),
            "model.config.rms_norm: only RMSNorm is supported");
  EXPECT_EQ(building("mamba", R"({"hidden_act": "gelu"})"),
            "model.config.hidden_act: only 'silu' is supported, not 'gelu'");
  EXPECT_EQ(building("mamba", R"({"hidden_size": 16, "intermediate_size": 48})"),
            "model.config.intermediate_size: is 48, but expand x hidden_size is 32");
}

TEST(ModelConfigKeys, OfTheSweepItselfMustBeKnown) {
  EXPECT_EQ(building("mamba", R"({"hiden_size": 16})", /*own_keys=*/true),
            "model.config.hiden_size: unknown key; did you mean 'hidden_size'?");
  EXPECT_EQ(building("mamba", R"({"hiden_size": 16, "hidden_size": 16, "num_hidden_layers": 1})"),
            "(no error)");
  EXPECT_EQ(building("gptneo", R"({"num_layers": "two"})"),
            "model.config.num_layers: expected int, got text");
  EXPECT_EQ(building("gptneo", R"({"num_layers": 0})"),
            "model.config.num_layers: must be at least 1, got 0");
}

// transformers divides every out_proj of a model that says true, those that it has loaded too.
TEST(MambaConfig, ASavedModelIsNotRescaledAgain) {
  const auto model = on_meta(
      "mamba", R"({"hidden_size": 16, "num_hidden_layers": 1, "rescale_prenorm_residual": true})");
  EXPECT_EQ(Value(false), model->config(HeadKind::kLanguageModel).at("rescale_prenorm_residual"));
}

TEST(ModelConfigKeys, SizesAreBounded) {
  for (const char* plugin : {"gptneo", "mamba", "mistral"}) {
    EXPECT_EQ(building(plugin, R"({"hidden_size": 9223372036854775806})"),
              "model.config.hidden_size: must be at most 2147483647, got 9223372036854775806");
    EXPECT_EQ(building(plugin, R"({"hidden_size": 18446744073709551614})"),
              "model.config.hidden_size: expected int, got real");
  }
  EXPECT_EQ(building("mamba", R"({"hidden_size": 16, "expand": 1e300})"),
            "model.config.expand: times hidden_size must be from 1 to 2147483647");
  EXPECT_EQ(building("gptneo", R"({"num_layers": 2, "attention_types": [[["global"], 9999],
                                                                       [["local"], 2]]})"),
            "model.config.attention_types: gives more than 10000 layers");
}

// The layers that see everything, as the saved configuration spells them.
std::string layers_of(const std::string& json) {
  const auto config = on_meta("gptneo", json)->config(HeadKind::kNone);
  std::string text;
  for (const auto& layer : config.at("attention_layers").as_list()) {
    text += layer.as_text() == "global" ? 'g' : 'l';
  }
  return text;
}

TEST(GptNeoConfig, ReadsEveryFormOfAttentionTypes) {
  const std::string small = R"("hidden_size": 8, "num_heads": 2, "vocab_size": 8, )";
  const auto layers = [&](const std::string& rest) { return layers_of("{" + small + rest + "}"); };
  EXPECT_EQ(layers(R"("num_layers": 4, "attention_types": [[["global", "local"], 2]])"), "glgl");
  EXPECT_EQ(layers(R"("num_layers": 3, "attention_types": [[["global"], 3]])"), "ggg");
  EXPECT_EQ(layers(R"("num_layers": 5,
      "attention_types": [[["local"], 2], [["global", "global", "local"], 1]])"),
            "llggl");
  EXPECT_EQ(layers(R"("num_layers": 2, "attention_layers": ["local", "global"])"), "lg");
  EXPECT_EQ(layers(R"("num_layers": 2, "attention_layers": ["local", "local"],
      "attention_types": [[["global", "local"], 1]])"),
            "gl");
  EXPECT_EQ(layers(R"("num_hidden_layers": 3)"), "glg");
}

TEST(GptNeoConfig, RefusesWhatCannotBe) {
  EXPECT_EQ(building("gptneo", R"({"num_layers": 3, "attention_types": [[["global"], 2]]})"),
            "model.config.attention_types: gives 2 layers, but num_layers is 3");
  EXPECT_EQ(building("gptneo", R"({"num_layers": 1, "attention_types": [["global", 1]]})"),
            "model.config.attention_types: must be a list of [pattern, times], as "
            "[[[\"global\", \"local\"], 6]]");
  EXPECT_EQ(building("gptneo", R"({"num_layers": 1, "attention_types": [[["none"], 1]]})"),
            "model.config.attention_types: an attention type must be 'global' or 'local', not "
            "'none'");
  EXPECT_EQ(building("gptneo", R"({"hidden_size": 10, "num_heads": 4})"),
            "model.config.num_heads: 4 heads do not divide hidden_size 10");
  EXPECT_EQ(building("gptneo", R"({"activation_function": "gelu_old"})"),
            "model.config.activation_function: unknown value 'gelu_old' "
            "(known: gelu_new, gelu_pytorch_tanh, gelu, relu, silu, swish)");
  EXPECT_EQ(building("gptneo", R"({"embed_dropout": 1.0})"),
            "model.config.embed_dropout: must be at least 0 and below 1");
}

TEST(MistralConfig, ReadsBothFormsOfRotaryParameters) {
  const auto theta = [](const std::string& rest) {
    const auto config =
        on_meta("mistral", R"({"num_hidden_layers": 1, "vocab_size": 8)" + rest + "}")
            ->config(HeadKind::kNone);
    return config.at("rope_theta").as_real();
  };
  EXPECT_EQ(theta(""), 10000.0);
  EXPECT_EQ(theta(R"(, "rope_theta": 1e6)"), 1e6);
  EXPECT_EQ(theta(R"(, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"})"), 5e5);
  EXPECT_EQ(building("mistral", R"({"rope_scaling": {"type": "linear", "factor": 2.0}})"),
            "model.config.rope_scaling: only the default rotary embedding is supported, not "
            "'linear'");
}

TEST(MistralConfig, RefusesHeadsThatDoNotDivide) {
  EXPECT_EQ(building("mistral", R"({"num_attention_heads": 6, "num_key_value_heads": 4})"),
            "model.config.num_key_value_heads: 4 do not divide num_attention_heads 6");
  EXPECT_EQ(building("mistral", R"({"num_attention_heads": 5, "num_key_value_heads": 5})"),
            "model.config.num_attention_heads: 5 do not divide hidden_size 4096");
  EXPECT_EQ(building("mistral", R"({"head_dim": 7})"),
            "model.config.head_dim: must be even for the rotary embedding, got 7");
}

TEST(UntiedHead, IsOnlyBuiltForALanguageModel) {
  const std::string config = R"({"num_hidden_layers": 1, "vocab_size": 8, "hidden_size": 8,
      "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1})";
  const auto language_model = on_meta("mistral", config);
  const auto classifier = on_meta("mistral", config, HeadKind::kClassification);
  EXPECT_TRUE(language_model->named_parameters().contains("lm_head.weight"));
  EXPECT_FALSE(classifier->named_parameters().contains("lm_head.weight"));
  EXPECT_FALSE(language_model->ignores("lm_head.weight"));
  EXPECT_TRUE(classifier->ignores("lm_head.weight"));
  EXPECT_EQ(error_of([&] {
              classifier->lm_logits(torch::zeros({1, 8}));
            }),
            "this mistral was built without its language-model head");
}

}  // namespace
}  // namespace mvn
