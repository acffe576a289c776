// Files: whole reads, writes that are never half done, locks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mvn {

// The whole of a regular file; throws Error naming the path and the reason.
std::string read_file(const std::filesystem::path& path);

// Writes to a temporary file beside `path`, syncs it, renames it over `path` and syncs the folder:
// after a crash the file is the old one or the new one, never a part. Creates the folder.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The same without the syncs, for what can be made again: a process that dies leaves the old file
// or the new one, but after a power failure it may be empty.
void replace_file(const std::filesystem::path& path, std::string_view content);

// Makes a file's or folder's content durable.
void sync_path(const std::filesystem::path& path);

// The folder of the running program's file, symbolic links resolved.
std::filesystem::path executable_folder();

std::string host_name();

// Where what can be found out again is remembered: $XDG_CACHE_HOME/mvn-runner, else
// ~/.cache/mvn-runner. Empty where neither is known.
std::filesystem::path cache_folder();

// An exclusive advisory lock (flock) on a file, held until destroyed or the process ends. The file
// holds "pid host date time" of its owner.
class FileLock {
 public:
  // nullopt when another process holds it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);
  // Who holds the lock, or held it last: "process 4711 on alpha, since 2026-01-31 12:00:00".
  static std::string holder(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace mvn
