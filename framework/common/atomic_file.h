// A file written piece by piece that appears only when complete.
#pragma once

#include <filesystem>
#include <string_view>

namespace mvn {

// Writes to a new file beside `path`, of a name that nobody can guess and lay a link under;
// commit() renames it into place. Destroyed without commit() it leaves nothing behind. Creates the
// folder.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
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

// Makes a folder for what is written piece by piece, anew: what lay there, of a process that was
// killed, is removed. Creates the folders above it. Throws Error where another process puts
// something in its place.
void make_fresh_folder(const std::filesystem::path& folder);

}  // namespace mvn
