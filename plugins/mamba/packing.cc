#include "packing.h"

#include "scan_kernels.h"

namespace mvn::mamba {

Packing make_packing(const torch::Tensor& mask) {
  Packing packing;
  static_cast<RealTokens&>(packing) = real_tokens(mask, mask);
  const auto lengths = mask.sum(1, false, torch::kInt64).cpu();
  const auto counts = lengths.accessor<std::int64_t, 1>();
  packing.offsets = torch::zeros({packing.batch + 1}, torch::kInt64);
  packing.chunk_offsets = torch::zeros({packing.batch + 1}, torch::kInt64);
  auto offsets = packing.offsets.accessor<std::int64_t, 1>();
  auto chunks = packing.chunk_offsets.accessor<std::int64_t, 1>();
  for (std::int64_t i = 0; i < packing.batch; ++i) {
    offsets[i + 1] = offsets[i] + counts[i];
    chunks[i + 1] = chunks[i] + scan_chunks(counts[i]);
  }
  if (!mask.is_cpu()) {
    packing.on_device = torch::stack({packing.offsets, packing.chunk_offsets}).to(mask.device());
  }
  return packing;
}

}  // namespace mvn::mamba
