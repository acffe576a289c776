// The numbers that training computes with.
#pragma once

#include "mvn/torch.h"
#include "train/recipe/sections.h"

namespace mvn {

// Process-wide settings of a trial: threads, TF32, deterministic kernels.
void set_numerics(int threads, Precision precision);

// While it lives, matrix products of fp32 tensors on `device` run in bf16 (autocast), if `enabled`.
class AutocastScope {
 public:
  AutocastScope(bool enabled, torch::Device device);
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;
  ~AutocastScope();

 private:
  bool enabled_;
  torch::DeviceType device_;
};

}  // namespace mvn
