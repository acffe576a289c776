// A configuration from JSON text.
#pragma once

#include <string>

#include "common/json.h"
#include "mvn/value.h"

namespace mvn::test {

inline Value::Map parse(const std::string& json) {
  Value value = to_value(Json::parse(json));
  return std::move(value.as_map());
}

}  // namespace mvn::test
