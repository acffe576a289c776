// A place in a JSON file, for readers that name the file and the place in every error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>

#include "common/json.h"

namespace mvn {

// The file that is read and the configuration key that named it.
struct JsonSource {
  std::filesystem::path path;
  std::string key;
};

// A value in the file and where it is ("model.merges[3]"). Refers to its source and its JSON.
class JsonNode {
 public:
  JsonNode(const JsonSource& source, const Json& value, std::string where = {})
      : source_(&source), value_(&value), where_(std::move(where)) {}

  [[nodiscard]] const Json& value() const { return *value_; }
  [[nodiscard]] const JsonSource& source() const { return *source_; }
  // Whether the object has `name` and it is not null.
  [[nodiscard]] bool has(const char* name) const;

  // Each throws DataError when the file does not have it in this form.
  [[nodiscard]] JsonNode at(const char* name) const;
  [[nodiscard]] JsonNode item(std::size_t index) const;  // of a list, which is checked
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int32_t id() const;  // an integer from 0
  void expect_object() const;

  // `name`'s value, or `otherwise` where there is none.
  [[nodiscard]] bool boolean_or(const char* name, bool otherwise) const;

  // Throws ConfigError when the object has a key that is not listed: what is not known is not
  // ignored.
  void allow_keys(std::initializer_list<const char*> names) const;

  // DataError: the file is damaged here.
  [[noreturn]] void fail(const std::string& message) const;
  // ConfigError: the file asks for what is not supported.
  [[noreturn]] void unsupported(const std::string& message) const;

 private:
  [[nodiscard]] std::string place() const;

  const JsonSource* source_;
  const Json* value_;
  std::string where_;
};

}  // namespace mvn
