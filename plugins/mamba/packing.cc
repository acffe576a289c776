#include "packing.h"

#include "scan_kernels.h"

namespace mvn::mamba {

Packing make_packing(const torch::Tensor& mask) {
  Packing packing;
  packing.batch = mask.size(0);
  packing.length = mask.size(1);
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
  if (offsets[packing.batch] != packing.batch * packing.length) {
    packing.indices = mask.reshape({-1}).nonzero().squeeze(1);
  }
  return packing;
}

torch::Tensor pack(const torch::Tensor& x, const Packing& packing) {
  const auto flat = x.flatten(0, 1);
  return packing.indices.defined() ? flat.index_select(0, packing.indices) : flat;
}

torch::Tensor packed_index(const torch::Tensor& positions_B, const torch::Tensor& mask,
                           const Packing& packing) {
  const auto before_BL = mask.cumsum(1, torch::kInt64) - 1;
  const auto first_B = packing.offsets.narrow(0, 0, packing.batch).to(positions_B.device());
  return first_B + before_BL.gather(1, positions_B.unsqueeze(1)).squeeze(1);
}

torch::Tensor unpack(const torch::Tensor& x, const Packing& packing) {
  auto shape = x.sizes().vec();
  shape[0] = packing.length;
  shape.insert(shape.begin(), packing.batch);
  if (!packing.indices.defined()) return x.reshape(shape);
  auto flat_shape = x.sizes().vec();
  flat_shape[0] = packing.batch * packing.length;
  return torch::zeros(flat_shape, x.options()).index_copy(0, packing.indices, x).reshape(shape);
}

}  // namespace mvn::mamba
