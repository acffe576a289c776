#include "train/trainer/graphed_steps.h"

#include <algorithm>
#include <utility>

#include "mvn/seed.h"
#include "train/trainer/precision.h"

namespace mvn {
namespace {

std::int64_t longest_of(const Task& task) {
  const auto lengths = task.lengths(Split::kTrain);
  return *std::max_element(lengths.begin(), lengths.end());
}

// Copies into the tensor that is there, from pinned memory, which is not waited for.
void put(const torch::Tensor& from, torch::Device device, torch::Tensor& to) {
  if (!from.defined()) return;
  if (!to.defined()) to = torch::empty(from.sizes(), from.options().device(device));
  to.copy_(device.is_cpu() ? from : from.pin_memory(), /*non_blocking=*/true);
}

}  // namespace

GraphedSteps::GraphedSteps(Experiment& experiment, Optimizer& optimizer, Window& window,
                           GraphRecorder& recorder)
    : experiment_(experiment),
      optimizer_(optimizer),
      window_(window),
      recorder_(recorder),
      longest_(longest_of(*experiment.task)),
      seed_(torch::zeros({}, torch::dtype(torch::kInt64).device(experiment.device))),
      grad_norm_(torch::zeros({}, torch::dtype(torch::kFloat32).device(experiment.device))) {}

void GraphedSteps::step(const Batch& batch, double loss_count, double learning_rate) {
  const BatchShape bucket = bucket_of(shape_of(batch), longest_);
  const auto [place, is_new] = shapes_.try_emplace(bucket);
  auto& [inputs, graph] = place->second;
  put(pad_to(batch, bucket), loss_count, learning_rate, inputs);
  if (is_new) return compute(inputs);
  if (!graph) {
    graph = recorder_.record([this, &to_record = place->second.inputs] { compute(to_record); });
  }
  graph->replay();
}

void GraphedSteps::put(const Batch& batch, double loss_count, double learning_rate,
                       Inputs& inputs) const {
  const torch::NoGradGuard no_grad;
  const auto device = experiment_.device;
  mvn::put(batch.ids, device, inputs.batch.ids);
  mvn::put(batch.mask, device, inputs.batch.mask);
  mvn::put(batch.labels, device, inputs.batch.labels);
  inputs.batch.examples = batch.examples;
  // The tensors stay, the rest is the batch's own.
  RealTokens tokens = real_tokens(batch.ids, batch.mask);
  for (const auto member :
       {&RealTokens::indices, &RealTokens::offsets, &RealTokens::tokens_of, &RealTokens::padding}) {
    mvn::put(tokens.*member, device, inputs.tokens.*member);
    tokens.*member = inputs.tokens.*member;
  }
  inputs.tokens = std::move(tokens);
  mvn::put(torch::scalar_tensor(loss_count, torch::kFloat32), device, inputs.loss_count);
  mvn::put(torch::scalar_tensor(learning_rate, torch::kFloat32), device, inputs.learning_rate);
}

void GraphedSteps::compute(const Inputs& inputs) {
  seed_.random_();
  const SeedScope seeds(seed_);
  const KnownTokens known(inputs.batch.mask, inputs.tokens);
  optimizer_.zero_gradients();
  const LossSum loss = [&] {
    const AutocastScope autocast(experiment_.autocast(), experiment_.device);
    return experiment_.task->loss(*experiment_.model, inputs.batch);
  }();
  window_.add_loss(loss.sum);
  (loss.sum / inputs.loss_count).backward();
  const torch::NoGradGuard no_grad;
  grad_norm_.copy_(optimizer_.clip_gradients());
  optimizer_.step(inputs.learning_rate);
}

}  // namespace mvn
