// SHA-256, in the lower-case hexadecimal that `sha256sum` prints.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mvn {

std::string sha256(std::string_view bytes);
// Throws Error when the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace mvn
