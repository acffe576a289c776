// A few shapes for many batches, so that what is made for one shape serves again.
#pragma once

#include <compare>
#include <cstdint>

#include "mvn/task.h"

namespace mvn {

struct BatchShape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t tokens = 0;  // real ones, in all rows together
  auto operator<=>(const BatchShape&) const = default;
};

BatchShape shape_of(const Batch& batch);

// The shape that a batch is padded to: each number is the next of 1, 2, 3, 4, 6, 8, 12, 16, ...,
// the columns at most `longest`, which no batch exceeds. Every row that is added has a token, so
// that attention has something to see there.
BatchShape bucket_of(const BatchShape& shape, std::int64_t longest);

// `batch` in the shape `bucket` of it: rows of zeros, whose labels are kIgnoredLabel, take the
// tokens that are too many. `examples` has no more entries than before.
Batch pad_to(const Batch& batch, const BatchShape& bucket);

}  // namespace mvn
