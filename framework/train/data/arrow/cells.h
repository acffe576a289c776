// The values of Arrow's arrays, as JSON has them: what a table of JSON Lines would hold.
#pragma once

#include <arrow/api.h>

#include <cstdint>

#include "train/data/arrow/class_names.h"

namespace mvn::columnar {

// The value at `row`; numbers of classes as their names where `feature` has them. Throws
// std::runtime_error, which ends a sentence that begins with the column, for what is no such value.
OrderedJson value_at(const arrow::Array& array, std::int64_t row, const Json* feature);

}  // namespace mvn::columnar
