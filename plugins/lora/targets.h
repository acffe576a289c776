// Which modules of a model the adapter works on.
// Source: huggingface/peft src/peft/tuners/tuners_utils.py (check_target_module_exists)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lora_config.h"
#include "lora_layers.h"
#include "mvn/adapter.h"
#include "mvn/linear.h"
#include "mvn/pattern.h"

namespace mvn {

struct LinearTarget {
  std::string path;
  std::shared_ptr<Linear> layer;
};

struct EmbeddingTarget {
  std::string path;
  std::shared_ptr<Embedding> layer;
};

struct Targets {
  std::vector<LinearTarget> linears;  // in the model's order
  std::vector<EmbeddingTarget> embeddings;
  // Modules to train whole (modules_to_save).
  std::vector<std::pair<std::string, std::shared_ptr<torch::nn::Module>>> whole;

  [[nodiscard]] bool contains(const std::string& path) const;
};

// The path of a module as the configuration's names and expressions see it; empty for what a bare
// model is not or has not.
std::string seen_path(const Model& model, const LoraConfig& config, const std::string& path);

// Throws through `fault` when nothing matches, a match cannot be adapted, or two patterns without
// an order contradict each other; says through `warn` (may be empty) which entries match nothing.
Targets find_targets(Model& model, const LoraConfig& config, const ConfigFault& fault,
                     const Warn& warn);

// What each layer gets, by its seen_path().
class LayerSettings {
 public:
  explicit LayerSettings(const LoraConfig& config);
  [[nodiscard]] std::int64_t rank(const std::string& seen) const;
  [[nodiscard]] double alpha(const std::string& seen) const;
  [[nodiscard]] LoraLayerSettings of(const std::string& seen) const;

 private:
  const LoraConfig& config_;
  std::vector<Pattern> ranks_;
  std::vector<Pattern> alphas_;
};

// Ends of paths that select exactly these targets among the model's modules: the last parts where
// that works, else the whole paths, less `prefix` where they begin with it.
std::vector<std::string> target_names(Model& model, const Targets& targets,
                                      const std::string& prefix = "");

// name == path or path ends with "." + name.
bool ends_path(const std::string& path, const std::string& name);

}  // namespace mvn
