// Every parameter's random start against the distribution that the reference draws it from.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "support/parse.h"
#include "support/plugin_library.h"

namespace mvn {
namespace {

using test::make_model;
using test::parse;
using torch::Tensor;

std::shared_ptr<Model> initialised(const std::string& plugin, const std::string& json,
                                   std::uint64_t seed = 1) {
  auto model = make_model(plugin, parse(json));
  // Where initialise() forgets a parameter, NaN stays.
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) parameter.fill_(NAN);
  model->initialise(torch::make_generator<torch::CPUGeneratorImpl>(seed));
  return model;
}

// Sample sizes here are at least 4096, so a mean is within 0.08 deviations of its own with a
// probability beyond 1 - 1e-6, and a deviation within 6 %.
void expect_normal(const Tensor& values, double deviation) {
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.08 * deviation);
  EXPECT_NEAR(values.std().item<double>(), deviation, 0.06 * deviation);
  EXPECT_GT(values.abs().max().item<double>(), 2.5 * deviation);
}

void expect_uniform(const Tensor& values, double bound) {
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.08 * bound);
  EXPECT_NEAR(values.std().item<double>(), bound / std::sqrt(3.0), 0.06 * bound);
  EXPECT_LE(values.abs().max().item<double>(), bound);
  EXPECT_GT(values.abs().max().item<double>(), 0.95 * bound);
}

void expect_constant(const Tensor& values, double value) {
  EXPECT_TRUE(torch::equal(values, torch::full_like(values, value)));
}

constexpr const char* kMamba = R"({"model_type": "mamba", "hidden_size": 128,
    "num_hidden_layers": 4, "vocab_size": 512})";

TEST(MambaStart, FollowsTheOriginal) {
  const auto model = initialised("mamba", kMamba);
  const auto p = model->named_parameters();
  const auto mixer = [&](const std::string& name) { return p["backbone.layers.1.mixer." + name]; };
  expect_normal(p["backbone.embeddings.weight"], 0.02);
  expect_uniform(mixer("in_proj.weight"), 1 / std::sqrt(128.0));
  expect_uniform(mixer("x_proj.weight"), 1 / std::sqrt(256.0));
  expect_uniform(mixer("dt_proj.weight"), 1 / std::sqrt(8.0));
  expect_uniform(mixer("out_proj.weight"), 1 / std::sqrt(256.0) / std::sqrt(4.0));
  // 1024 and 256 values: looser than the helper's bounds, so only the range.
  EXPECT_LE(mixer("conv1d.weight").abs().max().item<double>(), 0.5);
  EXPECT_GT(mixer("conv1d.weight").abs().max().item<double>(), 0.45);
  EXPECT_LE(mixer("conv1d.bias").abs().max().item<double>(), 0.5);
  EXPECT_GT(mixer("conv1d.bias").abs().max().item<double>(), 0.45);
  expect_constant(mixer("D"), 1.0);
  expect_constant(p["backbone.layers.1.norm.weight"], 1.0);
  expect_constant(p["backbone.norm_f.weight"], 1.0);
  const auto states = torch::log(torch::arange(1, 17, torch::kFloat32));
  EXPECT_TRUE(torch::equal(mixer("A_log"), states.expand({256, 16})));
}

TEST(MambaStart, SpreadsTheStepsOverTheirLogarithms) {
  const auto model = initialised("mamba", R"({"model_type": "mamba", "hidden_size": 2048,
      "num_hidden_layers": 1, "vocab_size": 8})");
  const auto bias = model->named_parameters()["backbone.layers.0.mixer.dt_proj.bias"];
  const auto logarithms = torch::log(torch::softplus(bias));
  EXPECT_GE(logarithms.min().item<double>(), std::log(0.001) - 1e-3);
  EXPECT_LE(logarithms.max().item<double>(), std::log(0.1) + 1e-3);
  const double middle = (std::log(0.001) + std::log(0.1)) / 2;
  const double half = (std::log(0.1) - std::log(0.001)) / 2;
  EXPECT_NEAR(logarithms.mean().item<double>(), middle, 0.08 * half);
  EXPECT_NEAR(logarithms.std().item<double>(), half / std::sqrt(3.0), 0.06 * half);
}

TEST(MambaStart, KnowsConstantStepsAndTheirFloor) {
  const auto model = initialised("mamba", R"({"model_type": "mamba", "hidden_size": 16,
      "num_hidden_layers": 1, "vocab_size": 8, "time_step_rank": 4, "time_step_scale": 2.0,
      "time_step_init_scheme": "constant", "time_step_floor": 0.05})");
  const auto p = model->named_parameters();
  expect_constant(p["backbone.layers.0.mixer.dt_proj.weight"], 1.0);
  const auto steps = torch::softplus(p["backbone.layers.0.mixer.dt_proj.bias"]);
  EXPECT_GE(steps.min().item<double>(), 0.05 - 1e-6);
}

TEST(GptNeoStart, FollowsTheOriginal) {
  const auto model = initialised("gptneo", R"({"model_type": "gpt_neo", "hidden_size": 128,
      "num_layers": 4, "num_heads": 8, "vocab_size": 512, "max_position_embeddings": 64})");
  const auto p = model->named_parameters();
  const auto layer = [&](const std::string& name) { return p["transformer.h.1." + name]; };
  expect_normal(p["transformer.wte.weight"], 0.02);
  expect_normal(p["transformer.wpe.weight"], 0.01);
  expect_normal(layer("attn.attention.q_proj.weight"), 1 / std::sqrt(128.0 * 16.0));
  expect_normal(layer("attn.attention.k_proj.weight"), 1 / std::sqrt(128.0));
  expect_normal(layer("attn.attention.v_proj.weight"), 1 / std::sqrt(128.0));
  expect_normal(layer("attn.attention.out_proj.weight"), 1 / std::sqrt(128.0));
  expect_normal(layer("mlp.c_fc.weight"), 0.02);
  expect_normal(layer("mlp.c_proj.weight"), 0.02 / std::sqrt(4.0));
  for (const auto* bias : {"attn.attention.out_proj.bias", "mlp.c_fc.bias", "mlp.c_proj.bias",
                           "ln_1.bias", "ln_2.bias"}) {
    expect_constant(layer(bias), 0.0);
  }
  expect_constant(layer("ln_1.weight"), 1.0);
  expect_constant(layer("ln_2.weight"), 1.0);
  expect_constant(p["transformer.ln_f.weight"], 1.0);
  expect_constant(p["transformer.ln_f.bias"], 0.0);
}

TEST(MistralStart, FollowsTransformers) {
  const auto model = initialised("mistral", R"({"model_type": "mistral", "hidden_size": 128,
      "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 8,
      "num_key_value_heads": 4, "vocab_size": 512, "pad_token_id": 2})");
  for (const auto& parameter : model->named_parameters()) {
    if (parameter.value().dim() == 1) {
      expect_constant(parameter.value(), 1.0);
    } else if (parameter.key() != "model.embed_tokens.weight") {
      expect_normal(parameter.value(), 0.02);
    }
  }
  const auto table = model->named_parameters()["model.embed_tokens.weight"];
  expect_normal(torch::cat({table.slice(0, 0, 2), table.slice(0, 3)}), 0.02);
  expect_constant(table[2], 0.0);
}

TEST(RandomStart, IsTheSameForTheSameSeedOnly) {
  const std::map<std::string, std::string> configs = {
      {"mamba", R"({"hidden_size": 16, "vocab_size": 8, "num_hidden_layers": 2})"},
      {"gptneo", R"({"hidden_size": 16, "vocab_size": 8, "num_layers": 2})"},
      {"mistral", R"({"hidden_size": 16, "vocab_size": 8, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 8})"}};
  for (const auto& [plugin, config] : configs) {
    const auto first = initialised(plugin, config, 1);
    const auto again = initialised(plugin, config, 1);
    const auto other = initialised(plugin, config, 2);
    bool differs = false;
    for (const auto& parameter : first->named_parameters()) {
      const auto& name = parameter.key();
      EXPECT_TRUE(torch::equal(parameter.value(), again->named_parameters()[name])) << name;
      differs = differs || !torch::equal(parameter.value(), other->named_parameters()[name]);
    }
    EXPECT_TRUE(differs) << plugin;
  }
}

TEST(WeightDecay, LeavesAloneWhatTheReferencesDo) {
  const auto decaying = [](const std::string& plugin, const std::string& json) {
    const auto model = make_model(plugin, parse(json));
    std::string names;
    for (const auto& parameter : model->named_parameters()) {
      if (model->decays(parameter.key(), parameter.value())) names += parameter.key() + "\n";
    }
    return names;
  };
  EXPECT_EQ(decaying("mamba", R"({"hidden_size": 16, "vocab_size": 8, "num_hidden_layers": 1})"),
            "backbone.embeddings.weight\n"
            "backbone.layers.0.mixer.in_proj.weight\n"
            "backbone.layers.0.mixer.conv1d.weight\n"
            "backbone.layers.0.mixer.x_proj.weight\n"
            "backbone.layers.0.mixer.dt_proj.weight\n"
            "backbone.layers.0.mixer.out_proj.weight\n");
  EXPECT_EQ(decaying("gptneo", R"({"hidden_size": 16, "vocab_size": 8, "num_layers": 1})"),
            "transformer.wte.weight\n"
            "transformer.wpe.weight\n"
            "transformer.h.0.attn.attention.k_proj.weight\n"
            "transformer.h.0.attn.attention.v_proj.weight\n"
            "transformer.h.0.attn.attention.q_proj.weight\n"
            "transformer.h.0.attn.attention.out_proj.weight\n"
            "transformer.h.0.mlp.c_fc.weight\n"
            "transformer.h.0.mlp.c_proj.weight\n");
  EXPECT_EQ(decaying("mistral", R"({"hidden_size": 16, "vocab_size": 8, "num_hidden_layers": 1,
                "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 8,
                "tie_word_embeddings": true})"),
            "model.embed_tokens.weight\n"
            "model.layers.0.self_attn.q_proj.weight\n"
            "model.layers.0.self_attn.k_proj.weight\n"
            "model.layers.0.self_attn.v_proj.weight\n"
            "model.layers.0.self_attn.o_proj.weight\n"
            "model.layers.0.mlp.gate_proj.weight\n"
            "model.layers.0.mlp.up_proj.weight\n"
            "model.layers.0.mlp.down_proj.weight\n");
}

}  // namespace
}  // namespace mvn
