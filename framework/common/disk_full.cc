#include "common/disk_full.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace mvn {

DiskFull::~DiskFull() = default;

bool is_disk_full(int error) noexcept { return error == ENOSPC || error == EDQUOT; }

void throw_file_error(const std::filesystem::path& path, std::string_view action, int error) {
  const auto message =
      path.string() + ": cannot " + std::string(action) + ": " + std::strerror(error);
  if (is_disk_full(error)) throw DiskFull(message);
  throw Error(message);
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_file_error(folder, "create", error.value());
}

}  // namespace mvn
