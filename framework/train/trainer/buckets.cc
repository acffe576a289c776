#include "train/trainer/buckets.h"

#include <algorithm>
#include <bit>

namespace mvn {
namespace {

// The least power of two, or three halves of one, from `size` on.
std::int64_t next_size(std::int64_t size) {
  const auto power = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(size)));
  const std::int64_t between = power / 4 * 3;
  return between >= size ? between : power;
}

}  // namespace

BatchShape shape_of(const Batch& batch) {
  return {batch.ids.size(0), batch.ids.size(1), batch.mask.sum().item<std::int64_t>()};
}

BatchShape bucket_of(const BatchShape& shape, std::int64_t longest) {
  BatchShape bucket;
  bucket.columns = std::min(next_size(shape.columns), longest);
  for (bucket.tokens = next_size(shape.tokens);; bucket.tokens = next_size(bucket.tokens + 1)) {
    const std::int64_t surplus = bucket.tokens - shape.tokens;
    bucket.rows = next_size(shape.rows + (surplus + bucket.columns - 1) / bucket.columns);
    if (bucket.rows - shape.rows <= surplus) return bucket;
  }
}

Batch pad_to(const Batch& batch, const BatchShape& bucket) {
  const auto [rows, columns, tokens] = shape_of(batch);
  const auto pad = [added_rows = bucket.rows - rows, added_columns = bucket.columns - columns](
                       const auto& x, std::int64_t value) {
    return x.dim() == 1 ? torch::constant_pad_nd(x, {0, added_rows}, value)
                        : torch::constant_pad_nd(x, {0, added_columns, 0, added_rows}, value);
  };
  Batch padded{.ids = pad(batch.ids, 0),
               .mask = pad(batch.mask, 0),
               .labels = pad(batch.labels, kIgnoredLabel),
               .examples = batch.examples};
  std::int64_t surplus = bucket.tokens - tokens;
  for (std::int64_t row = rows; row < bucket.rows; ++row) {
    const std::int64_t rows_after = bucket.rows - row - 1;
    const std::int64_t count = std::min(bucket.columns, surplus - rows_after);
    padded.mask[row].narrow(0, 0, count).fill_(true);
    surplus -= count;
  }
  return padded;
}

}  // namespace mvn
