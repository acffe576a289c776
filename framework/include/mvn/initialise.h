// Random starts that are the same on every device: drawn on the CPU in float32, then copied.
#pragma once

#include "mvn/torch.h"

namespace mvn {

// Normal around 0.
void fill_normal(const torch::Tensor& parameter, double deviation, torch::Generator generator);

// Uniform in [-bound, bound).
void fill_uniform(const torch::Tensor& parameter, double bound, torch::Generator generator);

// The start of torch.nn.Linear and Conv1d, kaiming_uniform_(a=sqrt(5)): uniform within
// 1/sqrt(fan_in).
void fill_kaiming(const torch::Tensor& weight, torch::Generator generator);

// Copies `values` (any dtype and device) into the parameter.
void fill_values(const torch::Tensor& parameter, const torch::Tensor& values);
void fill_constant(const torch::Tensor& parameter, double value);

}  // namespace mvn
