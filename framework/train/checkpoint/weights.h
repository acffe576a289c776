// Weights: a folder (or file) of pretrained tensors in Hugging Face's layout, and what goes
// between it and a model.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mvn/adapter.h"
#include "mvn/model.h"
#include "mvn/safetensors.h"
#include "mvn/torch.h"
#include "mvn/value.h"

namespace mvn {

// The tensors of a checkpoint, whatever files hold them: model.safetensors, or shards with
// model.safetensors.index.json, or pytorch_model.bin (a pickle read by an unpickler that knows
// tensors and dictionaries and nothing else). Memory-mapped where the form allows.
class Weights {
 public:
  virtual ~Weights();
  [[nodiscard]] virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
  [[nodiscard]] virtual torch::Tensor get(const std::string& name) const = 0;
  // The file to name in a message about tensor `name`.
  [[nodiscard]] virtual std::filesystem::path file_of(const std::string& name) const = 0;
};

// Opens `path` (a folder, or one of the files above). Throws ConfigError("model.weights") when
// there is nothing to open, DataError when a file is damaged.
std::unique_ptr<Weights> open_weights(const std::filesystem::path& path);

// `folder`/config.json; throws ConfigError("model.weights") naming what is missing.
Value::Map read_model_config(const std::filesystem::path& folder);

// Compares names and shapes only. Throws ConfigError("model.weights") that lists every missing
// tensor, every wrong shape (both sides) and every tensor that has no place in the model, with the
// nearest names.
void check_weights(const Model& model, const Weights& weights);

// check_weights(), then copies every tensor (converted to the parameter's dtype and device). A head
// tensor ("score.weight") is copied into `head` when it fits and left alone otherwise.
void load_weights(Model& model, torch::nn::Module* head, const Weights& weights);

// The tensors for a task's head ("score.weight"), copied; and what load_weights() does with them.
std::map<std::string, torch::Tensor> head_tensors(const Weights& weights);
void load_head(torch::nn::Module& head, const std::map<std::string, torch::Tensor>& tensors);

// Writes config.json and model.safetensors into `folder` as transformers would for a model with
// this head: adapters are not written, tied tensors once. `extra` is laid over the configuration.
void save_model(const Model& model, const torch::nn::Module* head, HeadKind kind,
                const Value::Map& extra, const std::filesystem::path& folder);

}  // namespace mvn
