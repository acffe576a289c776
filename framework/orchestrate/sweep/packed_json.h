// JSON kept as its text.
#pragma once

#include <string>
#include <utility>

#include "common/json.h"

namespace mvn {

// A value of which there are many and which is seldom read: its text takes a tenth of the memory.
// Reads make the value anew; it is changed as a whole.
class PackedJson {
 public:
  PackedJson() = default;                                // null
  PackedJson(const Json& json) : text_(packed(json)) {}  // NOLINT(google-explicit-constructor)

  PackedJson& operator=(const Json& json) {
    text_ = packed(json);
    return *this;
  }

  [[nodiscard]] Json json() const { return Json::parse(text_); }
  // The value's canonical_json().
  [[nodiscard]] const std::string& text() const { return text_; }

  [[nodiscard]] bool is_object() const { return text_.starts_with('{'); }
  template <typename Key>
  [[nodiscard]] bool contains(const Key& key) const {
    return json().contains(key);
  }
  template <typename Key>
  [[nodiscard]] Json at(const Key& key) const {
    return json().at(key);
  }
  // Null where there is none.
  template <typename Key>
  [[nodiscard]] Json operator[](const Key& key) const {
    return json()[key];
  }

  friend bool operator==(const PackedJson& one, const Json& other) { return one.json() == other; }
  friend void to_json(Json& json, const PackedJson& packed) { json = packed.json(); }

 private:
  static std::string packed(const Json& json) {
    std::string text = canonical_json(json);
    text.shrink_to_fit();
    return text;
  }

  std::string text_ = "null";
};

}  // namespace mvn
