#include "train/trainer/placed_batch.h"

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
  for (auto* each : {&tokens.indices, &tokens.offsets, &tokens.tokens_of, &tokens.padding}) {
    *each = placed(*each, device);
  }
  return tokens;
}

}  // namespace

PlacedBatch::PlacedBatch(const Batch& batch, torch::Device device)
    : batch_(placed(batch, device)),
      known_(batch_.mask, placed(real_tokens(batch.ids, batch.mask), device)) {}

}  // namespace mvn
