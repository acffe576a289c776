// What is thrown where a file cannot be written.
#pragma once

#include <filesystem>
#include <string_view>

#include "mvn/error.h"

namespace mvn {

// The code a worker exits with when its disk is full: run it again when there is space.
inline constexpr int kDiskFullCode = 74;

// There is no space left, or no more of a quota.
class DiskFull : public Error {
 public:
  using Error::Error;
  ~DiskFull() override;
  [[nodiscard]] int exit_code() const noexcept override { return kDiskFullCode; }
};

// Whether an errno says so.
bool is_disk_full(int error) noexcept;

// Throws "PATH: cannot ACTION: REASON" for an errno: a DiskFull where it is one, an Error else.
[[noreturn]] void throw_file_error(const std::filesystem::path& path, std::string_view action,
                                   int error);

// Creates a folder and those above it.
void make_folders(const std::filesystem::path& folder);

}  // namespace mvn
