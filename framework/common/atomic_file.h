// Files and folders written piece by piece that appear only when complete.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace mvn {

// Writes to a new file beside `path`, of a name that nobody can guess and lay a link under;
// commit() renames it into place. Destroyed without commit() it leaves nothing behind. Creates the
// folder.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  // The new file is in another folder of the same file system: where others read all that lies
  // beside `path`, a process that is killed leaves nothing there.
  AtomicFile(const std::filesystem::path& path, const std::filesystem::path& staging);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  // Syncs the file and its folder, too.
  void commit();
  // For what can be made again: after a power failure it may be empty.
  void commit_unsynced();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// A name beside `path` that nobody can guess, for what is renamed to `path`.
std::filesystem::path temporary_name(std::filesystem::path path);

// Makes a folder for what is written piece by piece, anew: what lay there, of a process that was
// killed, is removed. Creates the folders above it. Throws Error where another process puts
// something in its place.
void make_fresh_folder(const std::filesystem::path& folder);

// What happens where a folder of that name is there already.
enum class Existing { kRefuse, kReplace };  // refused unless it is empty

// Calls `write` with a fresh folder beside `folder` ("NAME.tmp"), makes everything in it durable
// and renames it to `folder`: that is whole or not there.
void write_folder(const std::filesystem::path& folder, Existing existing,
                  const std::function<void(const std::filesystem::path&)>& write);

}  // namespace mvn
