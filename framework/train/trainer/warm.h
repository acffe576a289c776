// What a persistent worker keeps from one trial for the next, so that it starts at once:
// tokenizers, the tensors of a frozen base model, and the data that a task has prepared. A trial
// finds what it would have made itself, bit for bit: whatever may differ is made anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mvn/linear.h"
#include "mvn/model.h"
#include "mvn/tokenizer.h"
#include "mvn/torch.h"

namespace mvn {

// The tokenizers of the files as they are now.
class TokenizerCache {
 public:
  // Throws as load_tokenizer() does, with the key "model.tokenizer".
  std::shared_ptr<const Tokenizer> get(const std::filesystem::path& path);
  // The files that the tokenizer of `path` is made from.
  static std::vector<std::filesystem::path> files(const std::filesystem::path& path);
  // The hash of those.
  static std::string identity(const std::filesystem::path& path);

 private:
  struct Known {
    std::string identity;
    std::shared_ptr<const Tokenizer> tokenizer;
  };
  std::map<std::filesystem::path, Known> known_;
};

// The tensors of one base model. The models of successive trials share their memory, so nothing is
// copied, and a tensor that a trial wrote to is noticed and not given to another.
class WarmBase {
 public:
  // Gives `model` the tensors kept under `identity`. Where there are none, or they have been
  // written to, returns false and keeps nothing: the caller fills the model and calls keep().
  bool fill(const std::string& identity, Model& model);

  // Keeps the tensors of a model that was just filled, and those for a head by their names.
  void keep(std::string identity, const Model& model, std::map<std::string, torch::Tensor> head);

  // Call once an adapter is attached to the model that was filled or kept: what will be trained
  // becomes the model's own copy, and what is frozen is not laid out again for its products.
  void share_frozen(const Model& model);

  // The checkpoint's head, as it was kept.
  [[nodiscard]] const std::map<std::string, torch::Tensor>& head() const { return head_; }

  [[nodiscard]] bool empty() const { return parameters_.empty(); }
  void clear();

 private:
  // A parameter of the last model and how often it had been written to when it was taken.
  struct Parameter {
    torch::Tensor tensor;
    std::int64_t version;
  };
  [[nodiscard]] bool fits(const std::string& identity, const Model& model) const;
  static bool untouched(const Parameter& parameter);
  void take(const Model& model);
  void release_trained();
  void share_packed(const Model& model);

  std::string identity_;
  std::map<std::string, Parameter> parameters_;  // by name
  // The last model's linear layers by their names, each packed when a trial first uses it.
  std::map<std::string, c10::intrusive_ptr<FrozenWeight>> packed_;
  std::map<std::string, torch::Tensor> head_;
};

// What prepare() of the last task made.
class WarmData {
 public:
  // The place to hand to prepare(): empty unless it was filled under the same `identity` and its
  // files have not changed since.
  std::shared_ptr<const void>* place(const std::string& identity);
  // Call after prepare(), which read these files.
  void keep(std::string identity, const std::vector<std::filesystem::path>& files);

 private:
  std::string identity_;
  std::string files_;  // their states
  std::vector<std::filesystem::path> paths_;
  std::shared_ptr<const void> data_;
};

struct Warm {
  TokenizerCache tokenizers;
  WarmBase base;
  WarmData data;
};

// One line for each file: its path, inode, size and times of change. What is equal has not been
// written to or replaced in between.
std::string state_of_files(const std::vector<std::filesystem::path>& files);
// The same for every file of the folder that holds a model's weights, or of `weights` itself.
std::string state_of_weights(const std::filesystem::path& weights);

}  // namespace mvn
