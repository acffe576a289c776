// A file mapped into memory.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/input_file.h"

namespace mvn {

// The whole of a regular file, mapped privately. Throws Error naming the path and the reason,
// DataError where it is the pointer that Git LFS leaves.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) : MappedFile(InputFile(path)) {}
  explicit MappedFile(const InputFile& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::string_view view() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void refuse_pointer(const std::filesystem::path& path);

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mvn
