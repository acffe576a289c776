// Files: whole reads, writes that are never half done, locks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mvn {

// The whole of a regular file; throws Error naming the path and the reason.
std::string read_file(const std::filesystem::path& path);

// Writes to a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder:
// after a crash the file is the old one or the new one, never a part. Creates the folder.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The same without the syncs, for what can be made again: a process that dies leaves the old file
// or the new one, but after a power failure it may be empty.
void replace_file(const std::filesystem::path& path, std::string_view content);

// Whether a regular file is there; where it cannot be looked at, there is none.
bool is_file(const std::filesystem::path& path);

// Makes a file's or folder's content durable.
void sync_path(const std::filesystem::path& path);

// The folder of the running program's file, symbolic links resolved.
std::filesystem::path executable_folder();

std::string host_name();

// Where what can be found out again is remembered: $XDG_CACHE_HOME/mvn-runner, else
// ~/.cache/mvn-runner. Empty where neither is an absolute path.
std::filesystem::path cache_folder();

// Opens a file to write to, which is created for this user alone where it is not there. Throws
// Error where something else lies there: a symbolic or hard link to a file from elsewhere, a pipe,
// or a file of another user's. `flags` are open(2)'s.
int open_own_file(const std::filesystem::path& path, int flags);

// An exclusive advisory lock (flock) on a file, held until destroyed or the process ends. Only its
// owner can open the file, which holds "pid host date time" of it.
class FileLock {
 public:
  // nullopt when another process holds it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);

  // What the file says of who holds it.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  // Replaces what follows that in the file. It is for readers alone: where the disk is full it
  // costs no more than what they see.
  void say(const std::string& text) const;

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  FileLock(int descriptor, std::string owner) : descriptor_(descriptor), owner_(std::move(owner)) {}
  int descriptor_;
  std::string owner_;
};

}  // namespace mvn
