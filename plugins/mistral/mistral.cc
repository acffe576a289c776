// Mistral (mistralai/Mistral-7B-v0.1) and what was made from it (intfloat/e5-mistral-7b-instruct).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "block.h"
#include "config.h"
#include "mvn/error.h"
#include "mvn/initialise.h"
#include "mvn/plugin.h"
#include "mvn/recompute.h"

namespace mvn::mistral {
namespace {

using torch::Tensor;

class Decoder : public torch::nn::Module {
 public:
  Decoder(const MistralConfig& config, const torch::TensorOptions& options)
      : torch::nn::Module("Decoder"),
        embed_tokens(register_module(
            "embed_tokens",
            std::make_shared<Embedding>(config.vocabulary, config.width, options))) {
    auto list = register_module("layers", std::make_shared<torch::nn::ModuleListImpl>());
    for (std::int64_t i = 0; i < config.layers; ++i) {
      layers.push_back(std::make_shared<Layer>(config, options));
      list->push_back(layers.back());
    }
    norm = register_module("norm",
                           std::make_shared<RmsNorm>(config.width, config.norm_epsilon, options));
  }

  std::shared_ptr<Embedding> embed_tokens;
  std::vector<std::shared_ptr<Layer>> layers;
  std::shared_ptr<RmsNorm> norm;
};

class Mistral : public Model {
 public:
  explicit Mistral(const ModelContext& context)
      : config_(read_config(context)),
        original_(context.config),
        model_(register_module("model", std::make_shared<Decoder>(config_, context.options))) {
    if (!config_.tied && context.head == HeadKind::kLanguageModel) {
      lm_head_ =
          register_module("lm_head", std::make_shared<Linear>(config_.width, config_.vocabulary,
                                                              /*has_bias=*/false, context.options));
    }
  }

  Tensor forward(const Tensor& ids_BL, const Tensor& mask_BL) override {
    return model_->norm->forward(
        run_layers(ids_BL, mask_BL, rotation(ids_BL), model_->layers.size()));
  }

  // Of the last layer only the keys and values need every token.
  Tensor forward_at(const Tensor& ids_BL, const Tensor& mask_BL,
                    const Tensor& positions_B) override {
    const auto turned = rotation(ids_BL);
    const auto layer = model_->layers.back();
    const auto visible = visible_keys_at(positions_B, ids_BL, mask_BL, config_.window);
    const auto x_B1D =
        recomputed([=](const Tensor& x) { return layer->forward(x, turned, visible, positions_B); },
                   run_layers(ids_BL, mask_BL, turned, model_->layers.size() - 1));
    return model_->norm->forward(x_B1D).squeeze(1);
  }

  Tensor lm_logits(const Tensor& hidden) override {
    if (lm_head_) return lm_head_->forward(hidden);
    if (!config_.tied) throw Error("this mistral was built without its language-model head");
    return torch::linear(hidden, model_->embed_tokens->weight);
  }

  [[nodiscard]] std::int64_t width() const override { return config_.width; }
  [[nodiscard]] std::int64_t vocabulary() const override { return config_.vocabulary; }
  [[nodiscard]] std::int64_t max_length() const override { return config_.positions; }
  [[nodiscard]] std::string base_prefix() const override { return "model."; }

  // transformers' scheme: normals everywhere, the padding token's embedding 0.
  void initialise(torch::Generator generator) override {
    for (auto& parameter : named_parameters()) {
      if (parameter.value().dim() == 1) {
        fill_constant(parameter.value(), 1.0);
      } else {
        fill_normal(parameter.value(), config_.deviation, generator);
      }
    }
    const auto padding = config_.padding_id.value_or(-1);
    if (padding >= 0 && padding < config_.vocabulary) {
      fill_constant(model_->embed_tokens->weight.select(0, padding), 0.0);
    }
  }

  [[nodiscard]] std::vector<std::string> checkpoint_names(
      std::string_view parameter) const override {
    std::vector<std::string> names = {std::string(parameter)};
    if (config_.tied && parameter == "model.embed_tokens.weight") {
      names.emplace_back("lm_head.weight");
    }
    return names;
  }

  [[nodiscard]] bool ignores(std::string_view tensor) const override {
    return tensor.ends_with("rotary_emb.inv_freq") ||
           (!config_.tied && !lm_head_ && tensor == "lm_head.weight");
  }

  [[nodiscard]] Value::Map config(HeadKind head) const override {
    return config_to_save(config_, original_, head);
  }

  [[nodiscard]] double forward_macs(std::int64_t length) const override {
    const auto tokens = static_cast<double>(length);
    const auto width = static_cast<double>(config_.width);
    const auto queries = static_cast<double>(config_.heads * config_.head_width);
    const auto keys = static_cast<double>(config_.kv_heads * config_.head_width);
    const double linear =
        2 * width * (queries + keys) + 3 * width * static_cast<double>(config_.inner);
    // Each pair costs a score and a weighted value.
    const double pairs = visible_pairs(length, config_.window);
    return static_cast<double>(config_.layers) * (tokens * linear + 2 * pairs * queries);
  }

 private:
  // The reference's embedding has a padding index: that row never gets a gradient.
  Tensor embed(const Tensor& ids_BL) {
    const auto x_BLD = model_->embed_tokens->forward(ids_BL);
    if (!config_.padding_id || !x_BLD.requires_grad()) return x_BLD;
    const auto padding_BL1 = (ids_BL == *config_.padding_id).unsqueeze(-1);
    return torch::where(padding_BL1, x_BLD.detach(), x_BLD);
  }

  [[nodiscard]] Rotation rotation(const Tensor& ids_BL) const {
    return make_rotation(config_, ids_BL.size(1), model_->norm->weight.options());
  }

  // The residual stream after the first `count` layers.
  Tensor run_layers(const Tensor& ids_BL, const Tensor& mask_BL, const Rotation& rotation,
                    std::size_t count) {
    auto x_BLD = embed(ids_BL);
    const auto visible = visible_keys(ids_BL, mask_BL, config_.window);
    for (std::size_t i = 0; i < count; ++i) {
      const auto layer = model_->layers[i];
      x_BLD =
          recomputed([=](const Tensor& x) { return layer->forward(x, rotation, visible); }, x_BLD);
    }
    return x_BLD;
  }

  MistralConfig config_;
  Value::Map original_;
  std::shared_ptr<Decoder> model_;
  std::shared_ptr<Linear> lm_head_;
};

void register_components(Registry& registry) {
  ModelEntry entry;
  entry.name = "mistral";
  entry.help =
      "Mistral: transformer with rotary positions, grouped queries and a sliding window "
      "(mistralai/Mistral-7B-v0.1, intfloat/e5-mistral-7b-instruct)";
  entry.model_types = {"mistral"};
  entry.make = [](const ModelContext& context) { return std::make_shared<Mistral>(context); };
  registry.add_model(std::move(entry));
}

}  // namespace
}  // namespace mvn::mistral

MVN_PLUGIN("mistral", "0.1.0", mvn::mistral::register_components);
