// VectorTask: what a task implements besides Task where its models give texts vectors, which
// `mvn-runner embed` writes into a file.
#pragma once

#include "mvn/task.h"

namespace mvn {

class VectorTask {
 public:
  VectorTask() = default;
  VectorTask(const VectorTask&) = delete;
  VectorTask& operator=(const VectorTask&) = delete;
  virtual ~VectorTask();

  // The vectors of a batch of texts, as they are used afterwards (normalised, say): [B, D] in fp32
  // on the CPU. Called without gradients, the model in eval mode.
  virtual torch::Tensor text_vectors(Model& model, const Batch& batch) = 0;
};

}  // namespace mvn
