#include "train/recipe/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mvn/error.h"

namespace mvn {

// The parameters of a group that have gradients, with what belongs to them.
struct OptimizerUpdate {
  std::vector<torch::Tensor> values;
  std::vector<torch::Tensor> gradients;
  std::array<std::vector<torch::Tensor>, 2> moments;
  torch::Tensor step;  // its number
  double weight_decay;
};

struct OptimizerRule {
  std::string_view name;
  std::size_t moments;
  void (*by_number)(const OptimizerUpdate&, const OptimizerOptions&, const double& rate);
  void (*by_tensor)(const OptimizerUpdate&, const OptimizerOptions&, const torch::Tensor& rate);
};

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

template <typename Kernel, typename Rate>
void adapt(const Kernel& kernel, const OptimizerUpdate& update, const OptimizerOptions& options,
           const Rate& rate) {
  const auto& step =
      options.bias_correction ? update.step : torch::full_like(update.step, kCorrectedByNow);
  const std::vector<torch::Tensor> steps(update.values.size(), step);
  kernel(update.values, update.gradients, update.moments[0], update.moments[1],
         /*max_exp_avg_sqs=*/at::TensorList(), steps, rate, options.beta1, options.beta2,
         update.weight_decay, options.eps, /*amsgrad=*/false, /*maximize=*/false);
}

// A rule's kMoments are the tensors that it keeps for each parameter.
struct AdamW {
  static constexpr std::string_view kName = "adamw";
  static constexpr std::size_t kMoments = 2;
  static void apply(const OptimizerUpdate& update, const OptimizerOptions& options,
                    const auto& rate) {
    adapt([](auto&&... all) { at::_fused_adamw_(all...); }, update, options, rate);
  }
};

struct Adam {
  static constexpr std::string_view kName = "adam";
  static constexpr std::size_t kMoments = 2;
  static void apply(const OptimizerUpdate& update, const OptimizerOptions& options,
                    const auto& rate) {
    adapt([](auto&&... all) { at::_fused_adam_(all...); }, update, options, rate);
  }
};

// LibTorch's list operations, in the order of torch::optim::SGD.
struct Sgd {
  static constexpr std::string_view kName = "sgd";
  static constexpr std::size_t kMoments = 1;
  static void apply(const OptimizerUpdate& update, const OptimizerOptions& options,
                    const auto& rate) {
    const auto& momentum = update.moments[0];
    const auto decayed = at::_foreach_add(update.gradients, update.values, update.weight_decay);
    if (options.momentum > 0) {
      at::_foreach_mul_(momentum, options.momentum);
      at::_foreach_add_(momentum, decayed);
    }
    descend(update.values, options.momentum > 0 ? momentum : decayed, rate);
  }
};

constexpr std::array kMomentNames = {"first", "second"};

template <typename Rule>
constexpr OptimizerRule rule() {
  return {Rule::kName, Rule::kMoments, &Rule::template apply<double>,
          &Rule::template apply<torch::Tensor>};
}

constexpr std::array kRules = {rule<AdamW>(), rule<Adam>(), rule<Sgd>()};

const OptimizerRule* rule_named(const std::string& name) {
  const auto* const found = std::ranges::find(kRules, name, &OptimizerRule::name);
  if (found == kRules.end()) throw Error("no optimizer is called '" + name + "'");
  return found;
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, std::vector<Trainable> parameters)
    : options_(options), rule_(rule_named(options.name)) {
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
    for (std::size_t moment = 0; moment < rule_->moments; ++moment) {
      auto& tensors = group.moments.at(moment);
      if (tensors.size() == group.parameters.size()) continue;
      for (const auto& parameter : group.parameters) {
        tensors.push_back(zeros_like_parameter(parameter.value));
      }
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
  OptimizerUpdate update{.values = {},
                         .gradients = {},
                         .moments = {},
                         .step = step_,
                         .weight_decay = group.weight_decay};
  for (std::size_t i = 0; i < group.parameters.size(); ++i) {
    auto& value = group.parameters[i].value;
    if (!value.grad().defined()) continue;
    update.values.push_back(value);
    update.gradients.push_back(value.grad());
    for (std::size_t moment = 0; moment < rule_->moments; ++moment) {
      update.moments.at(moment).push_back(group.moments.at(moment)[i]);
    }
  }
  if (update.values.empty()) return;
  if constexpr (std::is_same_v<Rate, double>) {
    rule_->by_number(update, options_, learning_rate);
  } else {
    rule_->by_tensor(update, options_, learning_rate);
  }
}

std::map<std::string, torch::Tensor> Optimizer::state() {
  make_moments();
  std::map<std::string, torch::Tensor> state = {{"optimizer.step", step_}};
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      for (std::size_t moment = 0; moment < rule_->moments; ++moment) {
        state[std::string("optimizer.") + kMomentNames.at(moment) + "." +
              group.parameters[i].name] = group.moments.at(moment)[i];
      }
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

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& rule : kRules) names.emplace_back(rule.name);
  return names;
}

}  // namespace mvn
