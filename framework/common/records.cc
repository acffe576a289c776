#include "common/records.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "mvn/error.h"

namespace mvn {
namespace {

double number_of(const Json& value) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  return number_from_json(value);
}

std::int64_t time_of(const Json& json) {
  const auto found = json.find("time");
  if (found == json.end()) return now_ms();
  // One that is no whole number is none of milliseconds: its fraction is dropped.
  const Json whole = found->is_number_float() ? Json(std::trunc(found->get<double>())) : *found;
  return whole_number(whole).value_or(now_ms());
}

// Writes fields into an object.
struct FieldWriter {
  Json& json;

  template <typename T>
  void operator()(const char* name, const T& value) const {
    json[name] = value;
  }
  template <typename T>
  void operator()(const char* name, const std::optional<T>& value) const {
    if (value) json[name] = *value;
  }
  void operator()(const char* name, const Numbers& values) const {
    Json& numbers = json[name] = Json::object();
    for (const auto& [key, value] : values) numbers[key] = number_to_json(value);
  }
};

// Reads fields from an object, and notes what is wrong with those that it can do without.
struct FieldReader {
  const Json& json;
  const std::string& type;
  std::vector<EventRecord>& problems;

  void note(const std::string& problem) const { problems.push_back({"damaged", problem}); }

  void operator()(const char* name, std::int64_t& value) const {
    const auto number = whole_number(json.at(name));
    if (!number) {
      throw Error(std::string("'") + name + "' is not a whole number: " + json.at(name).dump());
    }
    value = *number;
  }
  void operator()(const char* name, int& exit_code) const {
    std::int64_t code = 0;
    (*this)(name, code);
    if (code < 0 || code > 255) {
      throw Error(std::string("'") + name + "' is no exit code: " + std::to_string(code));
    }
    exit_code = static_cast<int>(code);
  }
  void operator()(const char* name, std::string& text) const { json.at(name).get_to(text); }
  void operator()(const char* name, Json& values) const {
    values = json.at(name);
    if (!values.is_object()) {
      throw Error(std::string("'") + name + "' is not an object: " + values.dump());
    }
  }
  void operator()(const char* name, Numbers& numbers) const {
    Json values;
    (*this)(name, values);
    for (const auto& [key, value] : values.items()) {
      try {
        const double number = number_of(value);
        if (type == CostRecord::kType && !std::isfinite(number)) {
          throw Error("expected a finite number, got " + value.dump());
        }
        numbers.emplace(key, number);
      } catch (const Error& error) {
        note(type + " '" + key + "': " + error.what());
      }
    }
  }
  void operator()(const char* name, std::optional<std::string>& text) const {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return;
    text = found->is_string() ? found->get<std::string>() : found->dump();
  }
  void operator()(const char* name, std::optional<std::int64_t>& number) const {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return;
    try {
      std::int64_t value = 0;
      (*this)(name, value);
      number = value;
    } catch (const Error& error) {
      note(type + " record: " + error.what());
    }
  }
};

// The content of the alternative that is called `type`, from the I-th on.
template <std::size_t I = 1>
RecordContent read_content(const std::string& type, const FieldReader& reader) {
  if constexpr (I == std::variant_size_v<RecordContent>) {
    reader.problems.push_back({"unknown", "record of unknown type '" + type + "'"});
    return {};
  } else {
    using Content = std::variant_alternative_t<I, RecordContent>;
    if (type != Content::kType) return read_content<I + 1>(type, reader);
    Content content;
    Content::fields(content, reader);
    return content;
  }
}

}  // namespace

Record read_record(const Json& json) {
  const auto& type = json.at("type").get_ref<const std::string&>();
  Record record{.time = time_of(json), .content = {}, .problems = {}};
  const FieldReader reader{json, type, record.problems};
  try {
    record.content = read_content(type, reader);
  } catch (const Error& error) {
    reader.note(type + " record: " + error.what());
  } catch (const Json::exception& error) {
    reader.note(type + " record: " + error.what());
  }
  return record;
}

Json to_json(const RecordContent& content) {
  Json json = Json::object();
  std::visit(
      [&]<typename Content>(const Content& record) {
        if constexpr (!std::is_same_v<Content, std::monostate>) {
          json["type"] = Content::kType;
          Content::fields(record, FieldWriter{json});
        }
      },
      content);
  return json;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::optional<std::int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const double number = value.is_number() ? value.get<double>() : 0.5;
  if (std::trunc(number) != number || std::abs(number) >= 9e15) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

}  // namespace mvn
