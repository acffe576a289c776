#include "train/tokenizers/json_node.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "mvn/error.h"

namespace mvn {

std::string JsonNode::place() const {
  return source_->path.string() + ": " + (where_.empty() ? "" : where_ + ": ");
}

void JsonNode::fail(const std::string& message) const { throw DataError(place() + message); }

void JsonNode::unsupported(const std::string& message) const {
  throw ConfigError(source_->key, place() + message);
}

bool JsonNode::has(const char* name) const {
  expect_object();
  const auto found = value_->find(name);
  return found != value_->end() && !found->is_null();
}

JsonNode JsonNode::at(const char* name) const {
  if (!has(name)) fail(std::string("'") + name + "' is missing");
  return {*source_, (*value_)[name], where_.empty() ? name : where_ + "." + name};
}

JsonNode JsonNode::item(std::size_t index) const {
  return {*source_, (*value_)[index], where_ + "[" + std::to_string(index) + "]"};
}

std::size_t JsonNode::size() const {
  if (!value_->is_array()) fail("must be a list");
  return value_->size();
}

const std::string& JsonNode::text() const {
  if (!value_->is_string()) fail("must be a text");
  return value_->get_ref<const std::string&>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail("must be true or false");
  return value_->get<bool>();
}

std::int32_t JsonNode::id() const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max() - 1;
  if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > kMost) {
    fail("must be a token's id, an integer from 0");
  }
  return value_->get<std::int32_t>();
}

void JsonNode::expect_object() const {
  if (!value_->is_object()) fail("must be an object");
}

bool JsonNode::boolean_or(const char* name, bool otherwise) const {
  return has(name) ? at(name).boolean() : otherwise;
}

void JsonNode::allow_keys(std::initializer_list<const char*> names) const {
  expect_object();
  for (const auto& item : value_->items()) {
    const bool known = std::any_of(names.begin(), names.end(),
                                   [&](const char* allowed) { return item.key() == allowed; });
    if (!known) unsupported("'" + item.key() + "' is not supported");
  }
}

}  // namespace mvn
