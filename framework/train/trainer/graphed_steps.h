// Optimizer steps that a device replays.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "mvn/real_tokens.h"
#include "mvn/torch.h"
#include "train/recipe/optimizer.h"
#include "train/sdk/graph.h"
#include "train/trainer/accounting.h"
#include "train/trainer/buckets.h"
#include "train/trainer/experiment.h"

namespace mvn {

// Makes whole steps: forward pass, backward pass, clipping and update. Batches are padded to a few
// shapes. The first step of a shape is made plainly, which prepares what a graph cannot record (the
// libraries' first calls); the second is recorded; from then on it is replayed with other inputs.
class GraphedSteps {
 public:
  // What is given must outlive it. `window` gets the losses.
  GraphedSteps(Experiment& experiment, Optimizer& optimizer, Window& window,
               GraphRecorder& recorder);

  // One step on a batch of the training split, whose summed loss is divided by `loss_count`.
  // Nothing waits for the device.
  void step(const Batch& batch, double loss_count, double learning_rate);

  // The norm of the last step's gradients, a scalar on the device.
  [[nodiscard]] const torch::Tensor& grad_norm() const { return grad_norm_; }

 private:
  // Where a graph finds a step's inputs, on the device.
  struct Inputs {
    Batch batch;
    RealTokens tokens;
    torch::Tensor loss_count;  // float32 scalars
    torch::Tensor learning_rate;
  };
  struct Recorded {
    Inputs inputs;
    std::unique_ptr<Graph> graph;
  };

  void put(const Batch& batch, double loss_count, double learning_rate, Inputs& inputs) const;
  // What is recorded: operations of the device alone, on tensors that stay where they are.
  void compute(const Inputs& inputs);

  Experiment& experiment_;
  Optimizer& optimizer_;
  Window& window_;
  GraphRecorder& recorder_;
  std::int64_t longest_;
  torch::Tensor seed_;  // of a step's dropout, drawn on the device
  torch::Tensor grad_norm_;
  std::map<BatchShape, Recorded> shapes_;
};

}  // namespace mvn
