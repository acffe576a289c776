#include "mvn/error.h"

namespace mvn {

// Out of line to anchor each vtable in one library.
Error::~Error() = default;
ConfigError::~ConfigError() = default;
DataError::~DataError() = default;
Diverged::~Diverged() = default;

ConfigError::ConfigError(std::string key, const std::string& message)
    : Error(key.empty() ? message : key + ": " + message),
      key_(std::move(key)),
      message_(message) {}

}  // namespace mvn
