// What Git LFS leaves in the place of a large file until it is asked for the file itself.
#pragma once

#include <filesystem>
#include <string_view>

namespace mvn {

// Throws DataError where `content`, that of the file at `path`, is such a pointer.
void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view content);

}  // namespace mvn
