// Reading files that may come from anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace mvn {

// A regular file, open for reading. What is read of a file goes through this, so that a read that
// fails is never taken for the file's end.
class InputFile {
 public:
  // Throws Error where there is no such file, or another kind of thing: a pipe would be waited for,
  // a device may never end.
  explicit InputFile(const std::filesystem::path& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Bytes, when it was opened.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // Whether nobody else may change it: this user's, and under one name. (The superuser reads what
  // any user made.)
  [[nodiscard]] bool is_own() const { return is_own_; }

  // Fills `buffer` from byte `offset` on, and returns how many bytes there were: fewer than `size`
  // only where the file ends. Throws Error with the system's reason.
  std::size_t read_at(std::uint64_t offset, char* buffer, std::size_t size) const;

  // All of it. Throws Error, too, where it became shorter meanwhile or the memory is too small.
  [[nodiscard]] std::string read_all() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  bool is_own_ = false;
};

// The last bytes of a file, `most` of them; "" where it cannot be read, for what only explains
// something that is said without it.
std::string end_of_file(const std::filesystem::path& file, std::uint64_t most);

}  // namespace mvn
