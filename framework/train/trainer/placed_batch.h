// A batch where its model computes.
#pragma once

#include "mvn/real_tokens.h"
#include "mvn/task.h"
#include "mvn/torch.h"

namespace mvn {

// A batch on a device. While it lives, this thread knows its tokens (KnownTokens), which were found
// on the host: nothing waits for the device.
class PlacedBatch {
 public:
  PlacedBatch(const Batch& batch, torch::Device device);
  [[nodiscard]] const Batch& batch() const { return batch_; }

 private:
  Batch batch_;
  KnownTokens known_;
};

}  // namespace mvn
