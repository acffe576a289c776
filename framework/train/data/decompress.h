// Compressed files: gzip, xz, Zstandard, bzip2.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mvn {

// ".gz", ".xz", ".zst", ".bz2".
bool is_packed_ending(std::string_view ending);

// The content of a file as it was before it was compressed, which its first bytes tell; as it is
// where it was not. Throws DataError naming `path` for a damaged one.
std::string decompressed(std::string bytes, const std::filesystem::path& path);

}  // namespace mvn
