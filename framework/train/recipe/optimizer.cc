#include "train/recipe/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <utility>

#include "mvn/error.h"

namespace mvn {
namespace {

// At this step number the kernels' bias correction is 1 / (1 - beta^step) = 1: none at all.
constexpr float kCorrectedByNow = 1e9F;

torch::Tensor zeros_like_parameter(const torch::Tensor& value) {
  return torch::zeros_like(value.detach(), torch::MemoryFormat::Contiguous);
}

void descend(at::TensorList values, at::TensorList direction, double rate) {
  at::_foreach_add_(values, direction, -rate);
}
void descend(at::TensorList values, at::TensorList direction, const torch::Tensor& rate) {
  at::_foreach_sub_(values, at::_foreach_mul(direction, rate));
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, std::vector<Trainable> parameters)
    : options_(options) {
  groups_[0].weight_decay = options.weight_decay;
  for (auto& parameter : parameters) {
    groups_.at(parameter.decays ? 0 : 1).parameters.push_back(std::move(parameter));
  }
  const auto& some = groups_[0].parameters.empty() ? groups_[1].parameters : groups_[0].parameters;
  if (some.empty()) throw Error("nothing to train: every parameter is frozen");
  step_ = torch::zeros({}, torch::dtype(torch::kFloat32).device(some.front().value.device()));
}

void Optimizer::make_moments() {
  for (auto& group : groups_) {
    if (group.first.size() == group.parameters.size()) continue;
    for (const auto& parameter : group.parameters) {
      group.first.push_back(zeros_like_parameter(parameter.value));
      if (options_.name != "sgd") group.second.push_back(zeros_like_parameter(parameter.value));
    }
  }
}

void Optimizer::zero_gradients() {
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) parameter.value.mutable_grad().reset();
  }
}

torch::Tensor Optimizer::clip_gradients() {
  std::vector<torch::Tensor> gradients;
  for (auto& group : groups_) {
    for (auto& parameter : group.parameters) {
      if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
    }
  }
  if (gradients.empty()) return torch::zeros({}, step_.options());
  const torch::NoGradGuard no_grad;
  const auto norm = torch::stack(at::_foreach_norm(gradients)).norm();
  if (options_.max_grad_norm) {
    const auto factor = (*options_.max_grad_norm / (norm + 1e-6)).clamp_max(1.0);
    at::_foreach_mul_(gradients, factor);
  }
  return norm;
}

void Optimizer::step(double learning_rate) { step_all(learning_rate); }
void Optimizer::step(const torch::Tensor& learning_rate) { step_all(learning_rate); }

template <typename Rate>
void Optimizer::step_all(const Rate& learning_rate) {
  const torch::NoGradGuard no_grad;
  make_moments();
  step_.add_(1);
  for (auto& group : groups_) step_group(group, learning_rate);
}

template <typename Rate>
void Optimizer::step_group(Group& group, const Rate& learning_rate) {
  std::vector<torch::Tensor> values;
  std::vector<torch::Tensor> gradients;
  std::vector<torch::Tensor> first;
  std::vector<torch::Tensor> second;
  for (std::size_t i = 0; i < group.parameters.size(); ++i) {
    auto& value = group.parameters[i].value;
    if (!value.grad().defined()) continue;
    values.push_back(value);
    gradients.push_back(value.grad());
    first.push_back(group.first[i]);
    if (!group.second.empty()) second.push_back(group.second[i]);
  }
  if (values.empty()) return;
  if (options_.name == "sgd") {
    // LibTorch's list operations, in the order of torch::optim::SGD.
    const auto decayed = at::_foreach_add(gradients, values, group.weight_decay);
    if (options_.momentum > 0) {
      at::_foreach_mul_(first, options_.momentum);
      at::_foreach_add_(first, decayed);
    }
    descend(values, options_.momentum > 0 ? first : decayed, learning_rate);
    return;
  }
  const auto step = options_.bias_correction ? step_ : torch::full_like(step_, kCorrectedByNow);
  const std::vector<torch::Tensor> steps(values.size(), step);
  const auto update = [&](const auto& operation) {
    operation(values, gradients, first, second, /*max_exp_avg_sqs=*/at::TensorList(), steps,
              learning_rate, options_.beta1, options_.beta2, group.weight_decay, options_.eps,
              /*amsgrad=*/false, /*maximize=*/false);
  };
  if (options_.name == "adamw") {
    update([](auto&&... all) { at::_fused_adamw_(all...); });
  } else {
    update([](auto&&... all) { at::_fused_adam_(all...); });
  }
}

std::map<std::string, torch::Tensor> Optimizer::state() {
  make_moments();
  std::map<std::string, torch::Tensor> state = {{"optimizer.step", step_}};
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      const auto& name = group.parameters[i].name;
      state["optimizer.first." + name] = group.first[i];
      if (!group.second.empty()) state["optimizer.second." + name] = group.second[i];
    }
  }
  return state;
}

void Optimizer::load_state(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : this->state()) {
    const auto saved = state.find(name);
    if (saved == state.end()) throw Error("has no tensor '" + name + "'");
    if (saved->second.sizes() != tensor.sizes()) {
      throw Error("tensor '" + name + "' has another shape than this trial's");
    }
    torch::Tensor(tensor).copy_(saved->second);
  }
}

}  // namespace mvn
