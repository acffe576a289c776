#include "train/data/arrow/cells.h"

#include <arrow/util/float16.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace mvn::columnar {
namespace {

template <typename Array>
const Array& as(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

template <typename Array>
OrderedJson integer_at(const arrow::Array& array, std::int64_t row, const Json* feature) {
  const auto number = as<Array>(array).Value(row);
  if (std::cmp_greater(number, std::numeric_limits<std::int64_t>::max())) {
    return static_cast<std::uint64_t>(number);
  }
  return class_name(feature, static_cast<std::int64_t>(number));
}

OrderedJson real(double number) {
  if (!std::isfinite(number)) throw std::runtime_error("is no number (NaN or infinite)");
  return number;
}

// The double of its shortest digits: 0.1 and not 0.10000000149.
OrderedJson short_real(float number) {
  if (!std::isfinite(number)) return real(static_cast<double>(number));
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  double same = 0;
  std::from_chars(digits.data(), end, same);
  return real(same);
}

template <typename Array>
OrderedJson text_at(const arrow::Array& array, std::int64_t row) {
  return std::string(as<Array>(array).GetView(row));
}

template <typename Array>
OrderedJson list_at(const arrow::Array& array, std::int64_t row, const Json* feature) {
  const auto& lists = as<Array>(array);
  OrderedJson list = OrderedJson::array();
  const auto begin = static_cast<std::int64_t>(lists.value_offset(row));
  const auto end = begin + static_cast<std::int64_t>(lists.value_length(row));
  for (std::int64_t at = begin; at < end; ++at) {
    list.push_back(value_at(*lists.values(), at, item_feature(feature)));
  }
  return list;
}

OrderedJson object_at(const arrow::Array& array, std::int64_t row, const Json* feature) {
  const auto& structs = as<arrow::StructArray>(array);
  OrderedJson object = OrderedJson::object();
  for (int i = 0; i < structs.num_fields(); ++i) {
    const auto& name = structs.struct_type()->field(i)->name();
    object[name] = value_at(*structs.field(i), row, feature_of(feature, name));
  }
  return object;
}

// Dates, times and decimal numbers, as Arrow writes them.
OrderedJson other_at(const arrow::Array& array, std::int64_t row) {
  const auto id = array.type_id();
  if (!arrow::is_temporal(id) && !arrow::is_decimal(id) && !arrow::is_interval(id)) {
    throw std::runtime_error("is of the type " + array.type()->ToString() + ", which is not read");
  }
  const auto scalar = array.GetScalar(row);
  if (!scalar.ok()) throw std::runtime_error(scalar.status().message());
  return (*scalar)->ToString();
}

OrderedJson scalar_at(const arrow::Array& array, std::int64_t row, const Json* feature) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return as<arrow::BooleanArray>(array).Value(row);
    case arrow::Type::INT8:
      return integer_at<arrow::Int8Array>(array, row, feature);
    case arrow::Type::INT16:
      return integer_at<arrow::Int16Array>(array, row, feature);
    case arrow::Type::INT32:
      return integer_at<arrow::Int32Array>(array, row, feature);
    case arrow::Type::INT64:
      return integer_at<arrow::Int64Array>(array, row, feature);
    case arrow::Type::UINT8:
      return integer_at<arrow::UInt8Array>(array, row, feature);
    case arrow::Type::UINT16:
      return integer_at<arrow::UInt16Array>(array, row, feature);
    case arrow::Type::UINT32:
      return integer_at<arrow::UInt32Array>(array, row, feature);
    case arrow::Type::UINT64:
      return integer_at<arrow::UInt64Array>(array, row, feature);
    case arrow::Type::HALF_FLOAT:
      return real(
          arrow::util::Float16::FromBits(as<arrow::HalfFloatArray>(array).Value(row)).ToDouble());
    case arrow::Type::FLOAT:
      return short_real(as<arrow::FloatArray>(array).Value(row));
    case arrow::Type::DOUBLE:
      return real(as<arrow::DoubleArray>(array).Value(row));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return text_at<arrow::BinaryArray>(array, row);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return text_at<arrow::LargeBinaryArray>(array, row);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return text_at<arrow::BinaryViewArray>(array, row);
    case arrow::Type::FIXED_SIZE_BINARY:
      return text_at<arrow::FixedSizeBinaryArray>(array, row);
    default:
      return other_at(array, row);
  }
}

}  // namespace

OrderedJson value_at(const arrow::Array& array, std::int64_t row, const Json* feature) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& codes = as<arrow::DictionaryArray>(array);
      return value_at(*codes.dictionary(), codes.GetValueIndex(row), feature);
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return list_at<arrow::ListArray>(array, row, feature);
    case arrow::Type::LARGE_LIST:
      return list_at<arrow::LargeListArray>(array, row, feature);
    case arrow::Type::FIXED_SIZE_LIST:
      return list_at<arrow::FixedSizeListArray>(array, row, feature);
    case arrow::Type::LIST_VIEW:
      return list_at<arrow::ListViewArray>(array, row, feature);
    case arrow::Type::LARGE_LIST_VIEW:
      return list_at<arrow::LargeListViewArray>(array, row, feature);
    case arrow::Type::STRUCT:
      return object_at(array, row, feature);
    case arrow::Type::EXTENSION:
      return value_at(*as<arrow::ExtensionArray>(array).storage(), row, feature);
    default:
      return scalar_at(array, row, feature);
  }
}

}  // namespace mvn::columnar
