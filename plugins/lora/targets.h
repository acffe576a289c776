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

// Throws through `fault` when nothing matches or a match cannot be adapted; says through `warn`
// (may be empty) which listed names match nothing.
Targets find_targets(Model& model, const LoraConfig& config, const ConfigFault& fault,
                     const std::function<void(const std::string&)>& warn);

// r and scaling of the layer at `path`.
LoraLayerSettings layer_settings(const LoraConfig& config, const std::string& path);

// Ends of paths that select exactly these targets among the model's modules: the last parts where
// that works, else the whole paths.
std::vector<std::string> target_names(Model& model, const Targets& targets);

// name == path or path ends with "." + name.
bool ends_path(const std::string& path, const std::string& name);

}  // namespace mvn
