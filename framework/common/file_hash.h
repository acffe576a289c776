// Hashes of files that are asked for again and again.
#pragma once

#include <filesystem>
#include <string>

namespace mvn {

// SHA-256 of the file, remembered by its path, size and time of change: in this process, and for
// large files also in the cache folder, for all of them. Not thread-safe. Throws Error when the
// file cannot be read.
std::string remembered_hash(const std::filesystem::path& file);

}  // namespace mvn
