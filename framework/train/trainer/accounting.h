// What a trial did since its last record, and what its attempt has cost so far.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "common/json.h"
#include "common/records.h"
#include "mvn/torch.h"
#include "train/trainer/energy.h"
#include "train/trainer/experiment.h"

namespace mvn {

// Counts between two records of the training metrics. Part of a checkpoint, so that a record over
// steps of two attempts is the record of an uninterrupted run. The loss stays on its device until
// it is read.
class Window {
 public:
  explicit Window(torch::Device device);

  // Works on the device alone, so that a CUDA graph can record it.
  void add_loss(const torch::Tensor& sum);
  void add_loss_count(double count) { loss_count_ += count; }
  void add_batch(const Batch& batch, double tokens, double flops);
  void add_seconds(double seconds) { seconds_ += seconds; }

  // Mean loss over what was added.
  [[nodiscard]] double loss() const;
  [[nodiscard]] double padding_share() const;
  [[nodiscard]] double tokens_per_second() const { return seconds_ > 0 ? tokens_ / seconds_ : 0; }
  [[nodiscard]] double flops_per_second() const { return seconds_ > 0 ? flops_ / seconds_ : 0; }
  void clear();

  [[nodiscard]] Json state() const;
  void load_state(const Json& state);

 private:
  torch::Tensor loss_sum_;  // double scalar
  double loss_count_ = 0;
  double tokens_ = 0;  // real ones
  double cells_ = 0;   // with padding
  double flops_ = 0;
  double seconds_ = 0;
};

// FLOPs of a training step on `batch`: two per multiply-add of the model's and the head's matrix
// products, forward, again for the gradients of the activations, and again for those of the weights
// where the base is trained. (An adapter's own products are small and not counted, nor is what
// activation checkpointing computes a second time.)
double training_flops(const Experiment& experiment, const Batch& batch);

// Begins anew to look for the most memory that the process holds.
void reset_peak_memory(torch::Device device);

// What an attempt costs.
class Cost {
 public:
  // `device` as trial.json names it.
  explicit Cost(const std::string& device = "cpu");
  void add_training(const Batch& batch, double tokens, double flops);
  void add_evaluation(double seconds) { evaluation_seconds_ += seconds; }
  // Checkpoints take so much of the disk now.
  void note_checkpoints(double bytes) { checkpoint_bytes_ = std::max(checkpoint_bytes_, bytes); }

  // Where the trial runs; the CPU where there is no such device, which is the trial's to report.
  [[nodiscard]] torch::Device device() const { return device_; }

  // What was spent since the last call, for a "cost" record (records add up); of the names that
  // begin with "peak_" the maximum counts.
  [[nodiscard]] Numbers take();

 private:
  torch::Device device_;
  EnergyMeter energy_;
  std::chrono::steady_clock::time_point start_;
  double tokens_ = 0;
  double examples_ = 0;
  double flops_ = 0;
  double evaluation_seconds_ = 0;
  double checkpoint_bytes_ = 0;  // at most
};

}  // namespace mvn
