// AdamW and Adam over LibTorch's fused kernels, SGD over its list operations; gradient clipping.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mvn/torch.h"
#include "train/recipe/sections.h"

namespace mvn {

// A tensor that training changes.
struct Trainable {
  std::string name;
  torch::Tensor value;
  bool decays = true;
};

struct OptimizerRule;  // how AdamW, Adam or SGD changes parameters

// Updates parameters from their gradients. One instance, one thread.
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, std::vector<Trainable> parameters);

  void zero_gradients();
  // The global norm of the gradients, a scalar on their device; the gradients are then scaled to
  // max_grad_norm where that is set and they are longer. Call once before step().
  torch::Tensor clip_gradients();
  // One update. A parameter that got no gradient stays as it is.
  void step(double learning_rate);
  // The same with a rate, a float32 scalar, that lies on the parameters' device.
  void step(const torch::Tensor& learning_rate);

  // Everything that the next update depends on, named after the parameters; the tensors share
  // memory with the optimizer's own.
  [[nodiscard]] std::map<std::string, torch::Tensor> state();
  // Takes over what state() gave. Throws Error where a tensor is missing or of another shape.
  void load_state(const std::map<std::string, torch::Tensor>& state);

 private:
  // Parameters that decay, and those that do not.
  struct Group {
    std::vector<Trainable> parameters;
    // Adam's first and second moment, SGD's momentum.
    std::array<std::vector<torch::Tensor>, 2> moments;
    double weight_decay = 0;
  };
  // Makes the moments, where they are not there yet: not before a step needs them, so that a trial
  // starts at once.
  void make_moments();
  // Rate is one of step()'s.
  template <typename Rate>
  void step_all(const Rate& learning_rate);
  template <typename Rate>
  void step_group(Group& group, const Rate& learning_rate);

  OptimizerOptions options_;
  const OptimizerRule* rule_;
  std::array<Group, 2> groups_;
  torch::Tensor step_;  // updates made, a float scalar as the fused kernels want it
};

}  // namespace mvn
