// A file mapped into memory, and a file written piece by piece that appears only when complete.
#pragma once

#include <filesystem>
#include <string_view>

namespace mvn {

// The whole file, mapped privately. Throws Error naming the path and the reason, DataError where it
// is the pointer that Git LFS leaves.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::string_view view() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void refuse_pointer(const std::filesystem::path& path);

  void* data_ = nullptr;
  std::size_t size_ = 0;
};

// Writes to a temporary file beside `path`; commit() syncs it and renames it into place. Destroyed
// without commit() it leaves nothing behind. Creates the folder.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace mvn
