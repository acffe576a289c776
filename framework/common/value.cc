#include "mvn/value.h"

#include "mvn/error.h"

namespace mvn {
namespace {

[[noreturn]] void wrong_type(std::string_view wanted, const Value& value) {
  throw Error("expected " + std::string(wanted) + ", got " + std::string(value.type_name()));
}

}  // namespace

bool Value::as_bool() const {
  if (const auto* value = std::get_if<bool>(&data_)) return *value;
  wrong_type("boolean", *this);
}

std::int64_t Value::as_int() const {
  if (const auto* value = std::get_if<std::int64_t>(&data_)) return *value;
  wrong_type("integer", *this);
}

double Value::as_real() const {
  if (const auto* value = std::get_if<double>(&data_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*value);
  wrong_type("real", *this);
}

const std::string& Value::as_text() const {
  if (const auto* value = std::get_if<std::string>(&data_)) return *value;
  wrong_type("text", *this);
}

const Value::List& Value::as_list() const {
  if (const auto* value = std::get_if<List>(&data_)) return *value;
  wrong_type("list", *this);
}

const Value::Map& Value::as_map() const {
  if (const auto* value = std::get_if<Map>(&data_)) return *value;
  wrong_type("map", *this);
}

Value::Map& Value::as_map() {
  if (auto* value = std::get_if<Map>(&data_)) return *value;
  wrong_type("map", *this);
}

const Value* Value::find(std::string_view key) const {
  const auto* map = std::get_if<Map>(&data_);
  if (map == nullptr) return nullptr;
  const auto entry = map->find(key);
  return entry == map->end() || entry->second.is_null() ? nullptr : &entry->second;
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"nothing", "boolean", "integer", "real",
                                                "text",    "list",    "map"};
  return kNames[data_.index()];
}

}  // namespace mvn
