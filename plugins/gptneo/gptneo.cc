// GPT-Neo: a transformer with alternating global and local attention.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "block.h"
#include "config.h"
#include "mvn/error.h"
#include "mvn/initialise.h"
#include "mvn/plugin.h"
#include "mvn/real_tokens.h"
#include "mvn/recompute.h"

namespace mvn::gptneo {
namespace {

using torch::Tensor;

class Transformer : public torch::nn::Module {
 public:
  Transformer(const GptNeoConfig& config, const torch::TensorOptions& options)
      : torch::nn::Module("Transformer"),
        wte(register_module("wte",
                            std::make_shared<Embedding>(config.vocabulary, config.width, options))),
        wpe(register_module("wpe",
                            std::make_shared<Embedding>(config.positions, config.width, options))) {
    auto list = register_module("h", std::make_shared<torch::nn::ModuleListImpl>());
    for (const auto type : config.layers) {
      const auto window = type == Attention::kLocal ? config.window : 0;
      h.push_back(std::make_shared<Layer>(config, window, options));
      list->push_back(h.back());
    }
    ln_f = register_module("ln_f",
                           std::make_shared<LayerNorm>(config.width, config.norm_epsilon, options));
  }

  std::shared_ptr<Embedding> wte;
  std::shared_ptr<Embedding> wpe;
  std::vector<std::shared_ptr<Layer>> h;
  std::shared_ptr<LayerNorm> ln_f;
};

class GptNeo : public Model {
 public:
  explicit GptNeo(const ModelContext& context)
      : config_(read_config(context)),
        original_(context.config),
        transformer_(register_module("transformer",
                                     std::make_shared<Transformer>(config_, context.options))) {
    if (!config_.tied && context.head == HeadKind::kLanguageModel) {
      lm_head_ =
          register_module("lm_head", std::make_shared<Linear>(config_.width, config_.vocabulary,
                                                              /*has_bias=*/false, context.options));
    }
  }

  Tensor forward(const Tensor& ids_BL, const Tensor& mask_BL) override {
    const auto tokens = real_tokens(ids_BL, mask_BL);
    const auto x_TD = run_layers(ids_BL, mask_BL, tokens, config_.layers.size());
    return unpack(transformer_->ln_f->forward(x_TD), tokens);
  }

  // Of the last layer only the keys and values need every token.
  Tensor forward_at(const Tensor& ids_BL, const Tensor& mask_BL,
                    const Tensor& positions_B) override {
    const auto last = config_.layers.size() - 1;
    const auto layer = transformer_->h[last];
    const auto tokens = real_tokens(ids_BL, mask_BL);
    const auto visible = visible_keys_at(positions_B, ids_BL, mask_BL, window_of(last));
    const auto index_B = packed_index(positions_B, mask_BL, tokens);
    const auto x_BD = recomputed(
        [=](const Tensor& x_TD) { return layer->forward(x_TD, tokens, visible, index_B); },
        run_layers(ids_BL, mask_BL, tokens, last));
    return transformer_->ln_f->forward(x_BD);
  }

  Tensor lm_logits(const Tensor& hidden) override {
    if (lm_head_) return lm_head_->forward(hidden);
    if (!config_.tied) throw Error("this gptneo was built without its language-model head");
    return torch::linear(hidden, transformer_->wte->weight);
  }

  [[nodiscard]] std::int64_t width() const override { return config_.width; }
  [[nodiscard]] std::int64_t vocabulary() const override { return config_.vocabulary; }
  [[nodiscard]] std::int64_t max_length() const override { return config_.positions; }
  [[nodiscard]] std::string base_prefix() const override { return "transformer."; }

  // The scheme that the released models were trained from (EleutherAI/gpt-neo,
  // models/gpt2/gpt2.py): transformers' plain N(0, 0.02) leaves the unscaled scores too large.
  void initialise(torch::Generator generator) override {
    fill_normal(transformer_->wte->weight, 0.02, generator);
    fill_normal(transformer_->wpe->weight, 0.01, generator);
    for (const auto& layer : transformer_->h) layer->initialise(config_, generator);
    fill_constant(transformer_->ln_f->weight, 1.0);
    fill_constant(transformer_->ln_f->bias, 0.0);
    if (lm_head_) fill_normal(lm_head_->weight, 0.02, generator);
  }

  [[nodiscard]] std::vector<std::string> checkpoint_names(
      std::string_view parameter) const override {
    std::vector<std::string> names = {std::string(parameter)};
    if (config_.tied && parameter == "transformer.wte.weight") names.emplace_back("lm_head.weight");
    return names;
  }

  // Old checkpoints store the causal masks.
  [[nodiscard]] bool ignores(std::string_view tensor) const override {
    return tensor.ends_with(".attn.attention.bias") ||
           tensor.ends_with(".attn.attention.masked_bias") ||
           (!config_.tied && !lm_head_ && tensor == "lm_head.weight");
  }

  [[nodiscard]] Value::Map config(HeadKind head) const override {
    return config_to_save(config_, original_, head);
  }

  [[nodiscard]] double forward_macs(std::int64_t length) const override {
    const auto tokens = static_cast<double>(length);
    const auto width = static_cast<double>(config_.width);
    const double linear = 4 * width * width + 2 * width * static_cast<double>(config_.inner);
    double macs = 0;
    for (const auto type : config_.layers) {
      // Each pair costs a score and a weighted value.
      const double pairs = visible_pairs(length, type == Attention::kLocal ? config_.window : 0);
      macs += tokens * linear + 2 * pairs * width;
    }
    return macs;
  }

 private:
  [[nodiscard]] std::int64_t window_of(std::size_t layer) const {
    return config_.layers[layer] == Attention::kLocal ? config_.window : 0;
  }

  // The residual stream after the first `count` layers.
  Tensor run_layers(const Tensor& ids_BL, const Tensor& mask_BL, const RealTokens& tokens,
                    std::size_t count) {
    const auto length = ids_BL.size(1);
    if (length > config_.positions) {
      throw Error("gptneo: an input of " + std::to_string(length) + " tokens, but the model has " +
                  std::to_string(config_.positions) + " positions (max_position_embeddings)");
    }
    // Positions count from the first column, padding included, as the reference's forward does.
    const auto positions_BL = torch::arange(length, ids_BL.options()).expand(ids_BL.sizes());
    auto x_TD = transformer_->wte->forward(pack(ids_BL, tokens)) +
                transformer_->wpe->forward(pack(positions_BL, tokens));
    x_TD = torch::dropout(x_TD, config_.embed_dropout, is_training());
    const bool early_padding = tokens.early_padding;
    const auto global = visible_keys(ids_BL, mask_BL, /*window=*/0, early_padding);
    const auto local = visible_keys(ids_BL, mask_BL, config_.window, early_padding);
    for (std::size_t i = 0; i < count; ++i) {
      const auto layer = transformer_->h[i];
      const auto visible = window_of(i) == 0 ? global : local;
      x_TD = recomputed([=](const Tensor& x) { return layer->forward(x, tokens, visible); }, x_TD);
    }
    return x_TD;
  }

  GptNeoConfig config_;
  Value::Map original_;
  std::shared_ptr<Transformer> transformer_;
  std::shared_ptr<Linear> lm_head_;
};

void register_components(Registry& registry) {
  ModelEntry entry;
  entry.name = "gptneo";
  entry.help =
      "GPT-Neo: transformer with global and 256-token local attention "
      "(EleutherAI/gpt-neo-*)";
  entry.model_types = {"gpt_neo"};
  entry.make = [](const ModelContext& context) { return std::make_shared<GptNeo>(context); };
  registry.add_model(std::move(entry));
}

}  // namespace
}  // namespace mvn::gptneo

MVN_PLUGIN("gptneo", "0.1.0", mvn::gptneo::register_components);
