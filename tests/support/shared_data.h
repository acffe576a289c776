// The folder of published data sets and tokenizers that some tests read and that need not be there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mvn::test {

// `name` in $MVN_SHARED_DATA, or in ../shared/data beside the sources.
inline std::filesystem::path shared_data(const std::string& name) {
  const char* given = std::getenv("MVN_SHARED_DATA");
  const std::filesystem::path folder = given != nullptr ? given : MVN_SHARED_DATA_DEFAULT;
  return folder / name;
}

inline bool has_shared_data(const std::string& name) {
  return std::filesystem::exists(shared_data(name));
}

// Why a test that needs `name` is skipped.
inline std::string no_shared_data(const std::string& name) {
  return shared_data(name).string() + " is not there (set MVN_SHARED_DATA)";
}

}  // namespace mvn::test
