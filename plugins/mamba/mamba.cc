// The Mamba language model (Mamba-1, arXiv 2312.00752), in both layouts that people have:
// state-spaces/mamba-130m and its Hugging Face form, state-spaces/mamba-130m-hf.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "block.h"
#include "config.h"
#include "mvn/error.h"
#include "mvn/initialise.h"
#include "mvn/plugin.h"
#include "mvn/recompute.h"
#include "packing.h"

namespace mvn::mamba {
namespace {

using torch::Tensor;

class Backbone : public torch::nn::Module {
 public:
  Backbone(const MambaConfig& config, const torch::TensorOptions& options)
      : torch::nn::Module("Backbone"),
        embeddings(register_module(
            "embeddings", std::make_shared<Embedding>(config.vocabulary, config.width, options))) {
    auto list = register_module("layers", std::make_shared<torch::nn::ModuleListImpl>());
    for (std::int64_t i = 0; i < config.layers; ++i) {
      layers.push_back(std::make_shared<Block>(config, options));
      list->push_back(layers.back());
    }
    norm_f = register_module("norm_f",
                             std::make_shared<RmsNorm>(config.width, config.norm_epsilon, options));
  }

  std::shared_ptr<Embedding> embeddings;
  std::vector<std::shared_ptr<Block>> layers;
  std::shared_ptr<RmsNorm> norm_f;
};

class Mamba : public Model {
 public:
  explicit Mamba(const ModelContext& context)
      : config_(read_config(context)),
        original_(context.config),
        backbone_(
            register_module("backbone", std::make_shared<Backbone>(config_, context.options))) {
    if (!config_.tied && context.head == HeadKind::kLanguageModel) {
      lm_head_ =
          register_module("lm_head", std::make_shared<Linear>(config_.width, config_.vocabulary,
                                                              /*has_bias=*/false, context.options));
    }
  }

  Tensor forward(const Tensor& ids_BL, const Tensor& mask_BL) override {
    const auto packing = make_packing(mask_of(ids_BL, mask_BL));
    const auto stream_TD = run_layers(ids_BL, packing, backbone_->layers.size());
    return unpack(backbone_->norm_f->forward(stream_TD), packing);
  }

  // After the last layer's scan the other tokens are of no use.
  Tensor forward_at(const Tensor& ids_BL, const Tensor& mask_BL,
                    const Tensor& positions_B) override {
    const auto packing = make_packing(mask_of(ids_BL, mask_BL));
    const auto index_B = packed_index(positions_B, mask_BL, packing);
    const auto layer = backbone_->layers.back();
    const auto stream_BD =
        recomputed([=](const Tensor& x_TD) { return layer->forward(x_TD, packing, index_B); },
                   run_layers(ids_BL, packing, backbone_->layers.size() - 1));
    return backbone_->norm_f->forward(stream_BD);
  }

  Tensor lm_logits(const Tensor& hidden) override {
    if (lm_head_) return lm_head_->forward(hidden);
    if (!config_.tied) throw Error("this mamba was built without its language-model head");
    return torch::linear(hidden, backbone_->embeddings->weight);
  }

  [[nodiscard]] std::int64_t width() const override { return config_.width; }
  [[nodiscard]] std::int64_t vocabulary() const override { return config_.vocabulary; }
  [[nodiscard]] std::int64_t max_length() const override { return 0; }
  [[nodiscard]] std::string base_prefix() const override { return "backbone."; }

  // The original scheme (mixer_seq_simple.py, _init_weights; mamba_simple.py, Mamba.__init__), not
  // transformers', whose embeddings start five times as large.
  void initialise(torch::Generator generator) override {
    constexpr double kDeviation = 0.02;
    fill_normal(backbone_->embeddings->weight, kDeviation, generator);
    for (const auto& layer : backbone_->layers) layer->initialise(config_, generator);
    fill_constant(backbone_->norm_f->weight, 1.0);
    if (lm_head_) fill_kaiming(lm_head_->weight, generator);
  }

  [[nodiscard]] std::vector<std::string> checkpoint_names(
      std::string_view parameter) const override {
    std::vector<std::string> names = {std::string(parameter)};
    if (parameter == "backbone.embeddings.weight") {
      names.emplace_back("backbone.embedding.weight");
      if (config_.tied) names.emplace_back("lm_head.weight");
    }
    return names;
  }

  [[nodiscard]] bool ignores(std::string_view tensor) const override {
    return !config_.tied && !lm_head_ && tensor == "lm_head.weight";
  }

  // Fused kernels see raw weights there, without adapters.
  [[nodiscard]] std::vector<LayerCaveat> caveats() const override {
    return {{"out_proj", "Python's peft refuses to open such an adapter"},
            {"dt_proj", "Python's transformers passes its adapter by and computes something else"}};
  }

  // A_log and D are the dynamics: decay would pull every time scale to the same value
  // (`_no_weight_decay` in mamba_simple.py).
  [[nodiscard]] bool decays(std::string_view parameter, const Tensor& value) const override {
    return !parameter.ends_with(".A_log") && Model::decays(parameter, value);
  }

  [[nodiscard]] Value::Map config(HeadKind head) const override {
    return config_to_save(config_, original_, head);
  }

  [[nodiscard]] double forward_macs(std::int64_t length) const override {
    const auto width = static_cast<double>(config_.width);
    const auto inner = static_cast<double>(config_.inner);
    const auto states = static_cast<double>(config_.states);
    const auto rank = static_cast<double>(config_.rank);
    const double linear = 3 * width * inner + inner * (rank + 2 * states) + rank * inner;
    // A step of the scan: delta A, decay, delta u B, C state, and D u, the gate for the rest.
    const double scan = inner * (4 * states + 3) + inner * static_cast<double>(config_.kernel);
    return static_cast<double>(length * config_.layers) * (linear + scan);
  }

 private:
  static Tensor mask_of(const Tensor& ids_BL, const Tensor& mask_BL) {
    return mask_BL.defined() ? mask_BL : torch::ones_like(ids_BL, torch::kBool);
  }

  // The residual stream after the first `count` layers.
  Tensor run_layers(const Tensor& ids_BL, const Packing& packing, std::size_t count) {
    auto stream_TD = backbone_->embeddings->forward(pack(ids_BL, packing));
    if (config_.fp32_residual && stream_TD.scalar_type() != torch::kDouble) {
      stream_TD = stream_TD.to(torch::kFloat32);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto layer = backbone_->layers[i];
      stream_TD =
          recomputed([layer, packing](const Tensor& x_TD) { return layer->forward(x_TD, packing); },
                     stream_TD);
    }
    return stream_TD;
  }

  MambaConfig config_;
  Value::Map original_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Linear> lm_head_;
};

void register_components(Registry& registry) {
  ModelEntry entry;
  entry.name = "mamba";
  entry.help = "Mamba-1: selective state space model (state-spaces/mamba-*, with and without -hf)";
  entry.model_types = {"mamba"};
  entry.make = [](const ModelContext& context) { return std::make_shared<Mamba>(context); };
  registry.add_model(std::move(entry));
}

}  // namespace
}  // namespace mvn::mamba

MVN_PLUGIN("mamba", "0.1.0", mvn::mamba::register_components);
