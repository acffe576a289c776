#include "common/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "common/files.h"
#include "common/lfs_pointer.h"
#include "mvn/error.h"

namespace mvn {

namespace {

// "where:line:column: "
std::string place(const std::string& where, std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1);  // npos + 1 is 0
  return where + ":" + std::to_string(line) + ":" +
         std::to_string(std::max<std::size_t>(1, column)) + ": ";
}

// The end of the text (in quotes) that begins at `begin`.
std::size_t end_of_quoted(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at, text.size());
}

// Where a text nests too deeply, and under which key of its outermost object.
struct TooDeep {
  std::size_t offset = 0;  // behind the first bracket too many
  std::string_view key;    // empty where there is none
};

// Looks at brackets and quotes alone, before a parser takes memory for any of it.
std::optional<TooDeep> find_too_deep(std::string_view text) {
  int depth = 0;
  std::string_view key;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = end_of_quoted(text, at);
      if (depth == 1) key = text.substr(at + 1, end - at - 1);
      at = end;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return TooDeep{at + 1, key};
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::nullopt;
}

[[noreturn]] void fail_too_deep(std::string_view text, const std::string& where,
                                const TooDeep& deep) {
  constexpr std::size_t kLongest = 80;  // a longer key is no help
  std::string key;
  if (!deep.key.empty() && deep.key.size() <= kLongest) key = "'" + std::string(deep.key) + "': ";
  throw DataError(place(where, text, deep.offset) + key + "lists and objects nest more than " +
                  std::to_string(kMaxJsonDepth) + " deep");
}

}  // namespace

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  refuse_lfs_pointer(path, text);
  return parse_json(text, path.string());
}

Json parse_json(std::string_view text, const std::string& where) {
  if (const auto deep = find_too_deep(text)) fail_too_deep(text, where, *deep);
  try {
    return Json::parse(text);
  } catch (const Json::out_of_range& e) {
    const auto number = overflowing_number(e);
    throw DataError(place(where, text, std::min(text.find(number), text.size() - 1) + 1) +
                    "the number " + number + " is beyond what a double holds");
  } catch (const Json::parse_error& e) {
    throw DataError(place(where, text, e.byte) + "not valid JSON");
  }
}

std::string overflowing_number(const nlohmann::detail::out_of_range& error) {
  // "[json.exception.out_of_range.406] number overflow parsing '1e400'"
  const std::string text = error.what();
  const auto begin = text.find('\'');
  const auto end = text.rfind('\'');
  return begin < end && end != std::string::npos ? text.substr(begin + 1, end - begin - 1) : text;
}

Json try_parse_json(std::string_view text) {
  if (nests_too_deeply(text)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

bool nests_too_deeply(std::string_view text) { return find_too_deep(text).has_value(); }

std::string canonical_json(const Json& json) { return json.dump(); }

Value to_value(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_unsigned:
      // A whole number beyond 64 bits with a sign is none that anything counts to.
      if (json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
        return Value(json.get<double>());
      }
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_integer:
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

}  // namespace mvn
