#include "lora.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "lora_config.h"
#include "lora_layers.h"
#include "mvn/error.h"
#include "mvn/json_file.h"
#include "none.h"
#include "peft_files.h"
#include "register.h"
#include "targets.h"

namespace mvn {
namespace {

struct AdaptedLinear {
  std::string path;
  std::shared_ptr<Linear> base;
  std::shared_ptr<LoraLinear> lora;
};

struct AdaptedEmbedding {
  std::string path;
  std::shared_ptr<Embedding> base;
  std::shared_ptr<LoraEmbedding> lora;
};

class Lora : public Adapter {
 public:
  explicit Lora(const AdapterContext& context)
      : config_(lora_config(context.params, context.warn)),
        fault_(
            [prefix = context.params.key("")](const std::string& name, const std::string& message) {
              throw ConfigError(prefix + name, message);
            }),
        generator_(context.generator),
        head_(context.head),
        weights_key_(context.params.key("weights")),
        warn_(context.warn) {}

  void attach(Model& model) override;
  [[nodiscard]] SavedHead saved_head() const override;
  [[nodiscard]] bool keeps_base() const override { return true; }
  void save(const Model& model, const torch::nn::Module* head, const std::filesystem::path& folder,
            const std::string& base) const override;
  void load(Model& model, torch::nn::Module* head, const std::filesystem::path& folder) override;
  void merge(Model& model) override;

 private:
  void train_whole(Model& model, const Targets& targets);
  void train_biases(Model& model);
  // Takes the vocabulary's matrices that the files bring along among what is saved and loaded.
  void expect_saved_weights(const Model& model, const std::set<std::string>& names);
  void start_from_files();
  [[nodiscard]] bool names_an_adapter(const std::string& path) const;
  [[nodiscard]] LoraConfig by_paths(const std::string& strip) const;
  [[nodiscard]] LoraConfig config_to_save(const std::string& strip) const;
  // Turns a PiSSA adapter's tensors into those of an ordinary one.
  void double_pissa(NamedTensors& tensors) const;
  void check_rank(const std::string& path, const Linear& layer,
                  const LoraLayerSettings& settings) const;
  // Everything that save() writes: what trains, by the names of the model's modules.
  [[nodiscard]] NamedTensors trained(const torch::nn::Module* head) const;

  LoraConfig config_;
  ConfigFault fault_;
  torch::Generator generator_;
  HeadKind head_;
  std::string weights_key_;
  Warn warn_;

  std::string base_prefix_;
  std::vector<std::string> target_names_;
  std::vector<AdaptedLinear> linears_;
  std::vector<AdaptedEmbedding> embeddings_;
  NamedTensors others_;   // biases, modules_to_save and weights of the files that are not trained
  SavedHead saved_head_;  // of the files that this adapter starts from
};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// True where the output head is this embedding's own matrix.
bool is_tied_head(const Model& model, const std::string& path) {
  const auto parameters = model.named_parameters();
  const auto head = model.output_layer() + ".weight";
  if (parameters.contains(head)) return false;
  for (const auto& item : parameters) {
    if (contains(model.checkpoint_names(item.key()), head)) {
      return item.key() == path + ".weight";
    }
  }
  // A model that does not say which: the one with a row for each token.
  return parameters[path + ".weight"].size(0) == model.vocabulary();
}

// Whether all the names begin at the bare model. Those of a head tell nothing.
bool are_bare(const std::set<std::string>& names, const Model& model) {
  bool any = false;
  for (const auto& name : names) {
    if (name.starts_with(model.base_prefix())) return false;
    any = any || !(name.starts_with(model.output_layer() + ".") || is_classifier_tensor(name));
  }
  return any;
}

void Lora::attach(Model& model) {
  base_prefix_ = model.base_prefix();
  std::set<std::string> saved;
  if (!config_.weights.empty()) saved = adapter_tensor_names(config_.weights);
  config_.bare_paths = config_.weights.empty() ? head_ == HeadKind::kNone : are_bare(saved, model);
  const auto targets = find_targets(model, config_, fault_, warn_);
  target_names_ =
      target_names(model, targets, head_ == HeadKind::kNone ? base_prefix_ : std::string());
  const LayerSettings all_settings(config_);
  for (auto& parameter : model.parameters()) parameter.requires_grad_(false);
  train_whole(model, targets);
  for (const auto& [path, layer] : targets.linears) {
    const auto settings = all_settings.of(seen_path(model, config_, path));
    check_rank(path, *layer, settings);
    auto lora = std::make_shared<LoraLinear>(*layer, settings);
    lora->initialise(*layer, generator_);
    layer->attach(lora);
    linears_.push_back({path, layer, std::move(lora)});
  }
  for (const auto& [path, layer] : targets.embeddings) {
    auto lora =
        std::make_shared<LoraEmbedding>(*layer, all_settings.of(seen_path(model, config_, path)));
    lora->initialise(generator_);
    layer->attach(lora);
    embeddings_.push_back({path, layer, std::move(lora)});
  }
  train_biases(model);
  if (config_.weights.empty()) return;
  expect_saved_weights(model, saved);
  start_from_files();
}

// PiSSA takes the r leading singular values of a matrix, which has no more than its smaller side.
void Lora::check_rank(const std::string& path, const Linear& layer,
                      const LoraLayerSettings& settings) const {
  const auto values = std::min(layer.in_features(), layer.out_features());
  if (settings.start != LoraStart::kPissa || settings.r <= values) return;
  fault_("r", "pissa starts from the " + std::to_string(settings.r) +
                  " leading singular values of a matrix, and '" + path + "' has " +
                  std::to_string(values) + ": lower r, or leave it out of target_modules");
}

void Lora::train_whole(Model& model, const Targets& targets) {
  for (const auto& [path, module] : targets.whole) {
    // PEFT trains a copy and leaves the head at the old values: two matrices, where we have one.
    if (module->as<Embedding>() != nullptr && head_ == HeadKind::kLanguageModel &&
        is_tied_head(model, path)) {
      fault_("modules_to_save", "'" + path +
                                    "' is also the output head of this model (tied weights); "
                                    "training it apart from the head is not supported");
    }
    for (auto& item : module->named_parameters()) {
      item.value().requires_grad_(true);
      others_[path + "." + item.key()] = item.value();
    }
  }
}

void Lora::train_biases(Model& model) {
  if (config_.bias == "none") return;
  for (auto& item : model.named_parameters()) {
    const auto dot = item.key().rfind('.');
    if (dot == std::string::npos || item.key().substr(dot) != ".bias") continue;
    const auto owner = item.key().substr(0, dot);
    const bool adapted =
        std::any_of(linears_.begin(), linears_.end(),
                    [&](const AdaptedLinear& linear) { return linear.path == owner; });
    if (config_.bias == "lora_only" && !adapted) continue;
    item.value().requires_grad_(true);
    others_[adapted ? owner + ".base_layer.bias" : item.key()] = item.value();
  }
}

NamedTensors Lora::trained(const torch::nn::Module* head) const {
  NamedTensors tensors = others_;
  for (const auto& [path, base, lora] : linears_) {
    tensors[path + ".lora_A.weight"] = lora->lora_A;
    tensors[path + ".lora_B.weight"] = lora->lora_B;
    if (lora->lora_magnitude_vector.defined()) {
      tensors[path + ".lora_magnitude_vector"] = lora->lora_magnitude_vector;
    }
  }
  for (const auto& [path, base, lora] : embeddings_) {
    tensors[path + ".lora_embedding_A"] = lora->lora_embedding_A;
    tensors[path + ".lora_embedding_B"] = lora->lora_embedding_B;
  }
  if (head != nullptr) {
    for (const auto& item : head->named_parameters()) tensors[item.key()] = item.value();
  }
  return tensors;
}

// A PiSSA adapter means W - s B0 A0 + s B A. As a plain adapter of the untouched W that is
// [B, -B0] [A; A0], of twice the rank at the same scale.
LoraConfig doubled(LoraConfig config) {
  const double alpha_factor = config.use_rslora ? std::sqrt(2.0) : 2.0;
  config.start = LoraStart::kKaiming;
  config.pissa_iterations.reset();
  config.r *= 2;
  config.alpha *= alpha_factor;
  for (auto& entry : config.rank_pattern) entry.second *= 2;
  for (auto& entry : config.alpha_pattern) entry.second *= alpha_factor;
  return config;
}

void Lora::double_pissa(NamedTensors& tensors) const {
  if (config_.start != LoraStart::kPissa) return;
  for (const auto& [path, base, lora] : linears_) {
    const auto start_A = lora->start_A.to(lora->lora_A.device());
    const auto start_B = lora->start_B.to(lora->lora_B.device());
    tensors[path + ".lora_A.weight"] = torch::cat({lora->lora_A, start_A}, 0);
    tensors[path + ".lora_B.weight"] = torch::cat({lora->lora_B, -start_B}, 1);
  }
}

void Lora::expect_saved_weights(const Model& model, const std::set<std::string>& names) {
  const auto is_saved = [&](const std::string& name) {
    return names.contains(name) ||
           (name.starts_with(base_prefix_) && names.contains(name.substr(base_prefix_.size())));
  };
  for (const auto& module : model.named_modules("", /*include_self=*/false)) {
    const std::string& path = module.key();
    const bool embedding = module.value()->as<Embedding>() != nullptr;
    if (!embedding && path != model.output_layer()) continue;
    if (others_.contains(path + ".weight")) continue;  // of modules_to_save
    const auto parameter = model.named_parameters()[path + ".weight"];
    for (const auto& name : model.checkpoint_names(path + ".weight")) {
      if (!is_saved(name)) continue;
      const bool adapted = name == path + ".weight" && names_an_adapter(path);
      others_[adapted ? path + ".base_layer.weight" : name] = parameter;
    }
  }
}

bool Lora::names_an_adapter(const std::string& path) const {
  const auto is_it = [&](const auto& adapted) { return adapted.path == path; };
  return std::any_of(linears_.begin(), linears_.end(), is_it) ||
         std::any_of(embeddings_.begin(), embeddings_.end(), is_it);
}

void Lora::start_from_files() {
  auto tensors = trained(nullptr);
  const bool shapes_only = !tensors.empty() && tensors.begin()->second.is_meta();
  const torch::NoGradGuard no_grad;
  try {
    const auto saved =
        read_adapter_tensors(config_.weights, tensors, base_prefix_, &saved_head_.tensors);
    if (shapes_only) return;
    const auto differs = [&](const std::string& name, const torch::Tensor& value) {
      const auto& tensor = tensors.at(name);
      return !torch::equal(tensor, value.to(tensor.options()));
    };
    // Weights that are the base's own stay as they are: a persistent worker keeps them.
    for (const auto& [name, value] : saved) {
      if (differs(name, value)) tensors.at(name).copy_(value);
    }
    for (const auto& [name, value] : saved) {
      if (!others_.contains(name) || !differs(name, value)) continue;
      throw AdapterMisfit(config_.weights.string() + ": '" + name +
                          "' has two values: it is tied to another tensor of the file");
    }
  } catch (const AdapterMisfit& e) {
    fault_("weights", e.what());
  }
}

SavedHead Lora::saved_head() const {
  auto head = saved_head_;
  head.key = weights_key_;
  head.folder = config_.weights;
  return head;
}

// The same adapter said by the whole paths of its layers: what a file can say whose paths begin
// elsewhere, and which keeps no order of patterns.
LoraConfig Lora::by_paths(const std::string& strip) const {
  LoraConfig config = config_;
  config.target_modules = {.all_linear = false, .pattern = {}, .names = target_names_};
  config.exclude_modules = {};
  config.layers_to_transform.clear();
  config.layers_pattern.clear();
  config.rank_pattern.clear();
  config.alpha_pattern.clear();
  const LayerSettings settings(config_);
  const auto add = [&](const std::string& path) {
    const bool strips = path.starts_with(base_prefix_);
    const auto bare = strips ? path.substr(base_prefix_.size()) : path;
    const auto& seen = config_.bare_paths ? bare : path;
    const auto& saved = strip.empty() ? path : bare;
    if (const auto r = settings.rank(seen); r != config_.r) {
      config.rank_pattern.emplace_back(saved, r);
    }
    if (const auto alpha = settings.alpha(seen); alpha != config_.alpha) {
      config.alpha_pattern.emplace_back(saved, alpha);
    }
  };
  for (const auto& linear : linears_) add(linear.path);
  for (const auto& embedding : embeddings_) add(embedding.path);
  return config;
}

// What goes into the file: as the user wrote it wherever it means the same there.
LoraConfig Lora::config_to_save(const std::string& strip) const {
  const auto sorted = [](const auto& entries) {
    return std::is_sorted(entries.begin(), entries.end(),
                          [](const auto& a, const auto& b) { return a.first < b.first; });
  };
  const bool bare = head_ == HeadKind::kNone;
  const bool same = config_.bare_paths == bare && sorted(config_.rank_pattern) &&
                    sorted(config_.alpha_pattern) && (!bare || config_.layers_to_transform.empty());
  return same ? config_ : by_paths(strip);
}

void Lora::save(const Model& /*model*/, const torch::nn::Module* head,
                const std::filesystem::path& folder, const std::string& base) const {
  std::filesystem::create_directories(folder);
  auto tensors = trained(head);
  const std::string strip = head_ == HeadKind::kNone ? base_prefix_ : "";
  LoraConfig config = config_to_save(strip);
  if (config_.start == LoraStart::kPissa) {
    config = doubled(config);
    double_pissa(tensors);
  }
  if (head_ == HeadKind::kClassification) {
    for (const char* name : {"classifier", "score"}) {
      auto& names = config.modules_to_save;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
    }
  }
  write_adapter_tensors(folder, tensors, strip);
  write_json_file(folder / kAdapterConfigFile,
                  lora_config_to_peft(config, target_names_, task_type(head_), base));
}

void Lora::load(Model& /*model*/, torch::nn::Module* head, const std::filesystem::path& folder) {
  const torch::NoGradGuard no_grad;
  auto tensors = trained(head);
  auto expected = tensors;
  double_pissa(expected);
  for (const auto& [name, value] : read_adapter_tensors(folder, expected, base_prefix_)) {
    auto& tensor = tensors[name];
    // Of a PiSSA adapter the first half is A (or B), the second is the start.
    auto source = value;
    if (name.ends_with(".lora_A.weight")) source = value.narrow(0, 0, tensor.size(0));
    if (name.ends_with(".lora_B.weight")) source = value.narrow(1, 0, tensor.size(1));
    tensor.copy_(source);
  }
}

void Lora::merge(Model& model) {
  for (const auto& embedding : embeddings_) {
    if (head_ != HeadKind::kLanguageModel || !is_tied_head(model, embedding.path)) continue;
    fault_("target_modules", "the adapter of '" + embedding.path +
                                 "' cannot be merged: the output head shares that matrix, and it "
                                 "must not change");
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [path, base, lora] : linears_) {
    base->weight.copy_(lora->merged_weight(*base));
    base->detach_adapter();
  }
  for (const auto& [path, base, lora] : embeddings_) {
    base->weight.copy_(lora->merged_weight(*base));
    base->detach_adapter();
  }
  linears_.clear();
  embeddings_.clear();
}

}  // namespace

AdapterEntry lora_entry() {
  return {.name = "lora",
          .help = "low-rank updates beside frozen weights, PEFT's LoRA",
          .params = lora_params(),
          .make = [](const AdapterContext& context) { return std::make_unique<Lora>(context); },
          .config_file = kAdapterConfigFile,
          .read_files = read_adapter_files};
}

void register_lora(Registry& registry) {
  registry.add_adapter(lora_entry());
  registry.add_adapter(none_entry());
  registry.add_adapter(frozen_entry());
  registry.add_adapter(bitfit_entry());
}

}  // namespace mvn
