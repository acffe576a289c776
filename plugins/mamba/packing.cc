#include "packing.h"

#include "scan_kernels.h"

namespace mvn::mamba {

// In LibTorch's operations, so that a GPU is not waited for.
Packing make_packing(const torch::Tensor& mask) {
  Packing packing;
  static_cast<RealTokens&>(packing) = real_tokens(mask, mask);
  const auto chunks = torch::div(packing.offsets.diff() + (kScanChunk - 1), kScanChunk, "floor");
  packing.chunk_offsets = torch::constant_pad_nd(chunks.cumsum(0), {1, 0});
  return packing;
}

}  // namespace mvn::mamba
