// The text of a data file: decompressed, in UTF-8, its lines ended by LF. The one place that knows
// of compression and encodings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mvn {

// The names of encodings that read_source() knows, UTF-8 first.
inline constexpr const char* kUtf8 = "utf-8";

// A file of gzip, xz, Zstandard or bzip2 is unpacked, whatever its name; a byte order mark is left
// out, and where all line ends are carriage returns, LF takes their place. `encoding`: utf-8,
// latin-1, windows-1252 or utf-16. Throws ConfigError(key) where there is no such file or encoding,
// DataError "file:line:column: ..." where bytes are no text in it, DataError for a damaged archive.
std::string read_source(const std::filesystem::path& path, std::string_view encoding,
                        const std::string& key);

}  // namespace mvn
