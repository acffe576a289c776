#include "common/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "mvn/error.h"

namespace mvn {

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  // `end` is one behind the place.
  const auto fail = [&](std::size_t end, const std::string& message) {
    const auto at = text.begin() + static_cast<std::ptrdiff_t>(std::min(end, text.size()));
    const auto line = std::count(text.begin(), at, '\n') + 1;
    const auto line_start = std::find(std::make_reverse_iterator(at), text.rend(), '\n').base();
    throw DataError(path.string() + ":" + std::to_string(line) + ":" +
                    std::to_string(std::max<std::ptrdiff_t>(1, at - line_start)) + ": " + message);
  };
  try {
    return Json::parse(text);
  } catch (const Json::out_of_range& e) {
    const auto number = overflowing_number(e);
    fail(std::min(text.find(number), text.size() - 1) + 1,
         "the number " + number + " is beyond what a double holds");
  } catch (const Json::parse_error& e) {
    refuse_lfs_pointer(path, text);
    fail(e.byte, "not valid JSON");
  }
  return {};
}

std::string overflowing_number(const nlohmann::detail::out_of_range& error) {
  // "[json.exception.out_of_range.406] number overflow parsing '1e400'"
  const std::string text = error.what();
  const auto begin = text.find('\'');
  const auto end = text.rfind('\'');
  return begin < end && end != std::string::npos ? text.substr(begin + 1, end - begin - 1) : text;
}

std::string canonical_json(const Json& json) { return json.dump(); }

Value to_value(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(json.get<std::string>());
    case Json::value_t::array: {
      Value::List list;
      for (const auto& item : json) list.push_back(to_value(item));
      return Value(std::move(list));
    }
    case Json::value_t::object: {
      Value::Map map;
      for (const auto& [key, item] : json.items()) map.emplace(key, to_value(item));
      return Value(std::move(map));
    }
    default:
      return Value();
  }
}

Json to_json(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_int();
  if (value.is_real()) return number_to_json(value.as_real());
  if (value.is_text()) return value.as_text();
  if (value.is_list()) {
    Json list = Json::array();
    for (const auto& item : value.as_list()) list.push_back(to_json(item));
    return list;
  }
  if (value.is_map()) {
    Json map = Json::object();
    for (const auto& [key, item] : value.as_map()) map[key] = to_json(item);
    return map;
  }
  return nullptr;
}

Json number_to_json(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

double number_from_json(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (json == "Infinity") return std::numeric_limits<double>::infinity();
  if (json == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw Error("expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", got " + json.dump());
}

void deep_merge(Json& base, const Json& over) {
  if (!base.is_object() || !over.is_object()) {
    base = over;
    return;
  }
  for (const auto& [key, item] : over.items()) deep_merge(base[key], item);
}

}  // namespace mvn
