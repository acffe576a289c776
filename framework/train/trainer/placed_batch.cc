#include "train/trainer/placed_batch.h"

#include <utility>

namespace mvn {
namespace {

// From pinned memory the copy is queued and not waited for.
torch::Tensor placed(const torch::Tensor& x, torch::Device device) {
  if (!x.defined() || device.is_cpu()) return x;
  return x.pin_memory().to(device, /*non_blocking=*/true);
}

Batch placed(Batch batch, torch::Device device) {
  for (auto* each : {&batch.ids, &batch.mask, &batch.labels}) *each = placed(*each, device);
  return batch;
}

RealTokens placed(RealTokens tokens, torch::Device device) {
  for (auto* each : {&tokens.indices, &tokens.offsets}) *each = placed(*each, device);
  return tokens;
}

}  // namespace

PlacedBatch::PlacedBatch(Batch batch, torch::Device device)
    : PlacedBatch(std::move(batch), device, real_tokens(batch.ids, batch.mask)) {}

PlacedBatch::PlacedBatch(Batch batch, torch::Device device, RealTokens tokens)
    : batch_(placed(std::move(batch), device)),
      known_(batch_.mask, placed(std::move(tokens), device)) {}

}  // namespace mvn
