// A file that is written from its beginning to its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mvn {

// Creates a file that is not there. Throws Error or DiskFull, which name it; close() also where
// what was written does not reach the disk.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void close();
  // How much there is so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  void flush();

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::string waiting_;
  std::uint64_t size_ = 0;
};

}  // namespace mvn
