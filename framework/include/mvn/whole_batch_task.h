// WholeBatchTask: a task whose loss looks at all examples of a step together, as contrastive losses
// do, and so cannot be added up over parts of the step.
#pragma once

#include <cstdint>
#include <span>

#include "mvn/task.h"

namespace mvn {

// A step that does not fit into one forward pass is made in three (gradient caching; Gao and
// others, 2021): the vectors of each part without their graph, the loss of all vectors and its
// gradients, the vectors of each part once more and their gradients back through the model. The
// gradients are those of the whole step, in the memory of a part. Not for CUDA graphs.
class WholeBatchTask : public Task {
 public:
  ~WholeBatchTask() override;

  // Throws ConfigError where steps of so many examples have nothing to teach. 0: they are counted
  // in tokens, so that nobody knows.
  virtual void expect_batch_size(std::int64_t examples) = 0;

  // What the loss needs of a part of a step: rows of fp32, with their graph.
  virtual torch::Tensor vectors(Model& model, const Batch& part) = 0;

  // The loss of a step: `vectors` has the rows of all its parts, one after the other, `examples`
  // the examples of all of them. Throws DataError where they have nothing to teach.
  virtual LossSum loss_of(const torch::Tensor& vectors, std::span<const std::int64_t> examples) = 0;

  LossSum loss(Model& model, const Batch& batch) final;
};

}  // namespace mvn
