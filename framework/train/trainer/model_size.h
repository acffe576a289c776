// What a model's configuration asks for, looked at before memory is taken for it: a config.json may
// come from anywhere, and what it cannot have is its mistake, not a lack of memory to try again
// with.
#pragma once

#include <functional>
#include <memory>

#include "mvn/model.h"
#include "mvn/torch.h"
#include "mvn/value.h"

namespace mvn {

// Throws ConfigError("model.config.<key>") for more layers than any model has.
void check_layer_count(const Value::Map& config);

// What `build` makes, which are shapes alone. Throws ConfigError("model.config") where LibTorch can
// have no tensors of these.
std::shared_ptr<Model> build_shapes(const std::function<std::shared_ptr<Model>()>& build);

// Throws ConfigError("model.config") where the model's tensors, of which `shapes` has the shapes,
// are larger than `memory` bytes.
void expect_room(const torch::nn::Module& shapes, double memory);

// The memory of this machine, swap included, in bytes.
double machine_memory();

}  // namespace mvn
