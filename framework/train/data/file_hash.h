// Hashes of files that are asked for again and again.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

// SHA-256 of the file, remembered by its path, size and time of change. Not thread-safe.
std::string remembered_hash(const std::filesystem::path& file);

}  // namespace mvn
