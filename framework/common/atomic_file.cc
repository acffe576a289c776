#include "common/atomic_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "common/disk_full.h"
#include "common/files.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

std::string random_digits() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    throw Error("the system gives no random numbers");
  }
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return digits.data();
}

// Makes every file and folder in `folder` durable.
void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) sync_path(entry.path());
  sync_path(folder);
}

}  // namespace

fs::path temporary_name(fs::path path) {
  path += ".tmp" + random_digits();
  return path;
}

AtomicFile::AtomicFile(const fs::path& path) : AtomicFile(path, folder_of(path)) {}

AtomicFile::AtomicFile(const fs::path& path, const fs::path& staging)
    : path_(path), temporary_(temporary_name(staging / path.filename())) {
  make_folders(folder_of(path));
  make_folders(staging);
  descriptor_ =
      ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor_ >= 0) return;
  temporary_.clear();
  fail("create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("sync");
  commit_unsynced();
  sync_path(folder_of(path_));
}

void AtomicFile::commit_unsynced() {
  // Some network file systems report only here that what was written did not fit.
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename into place");
  temporary_.clear();
}

void AtomicFile::fail(const char* action) const { throw_file_error(path_, action, errno); }

void make_fresh_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);  // of a link, the link alone
  if (error) throw_file_error(folder, "remove", error.value());
  make_folders(folder_of(folder));
  if (::mkdir(folder.c_str(), 0777) != 0) throw_file_error(folder, "create", errno);
}

void write_folder(const fs::path& folder, Existing existing,
                  const std::function<void(const fs::path&)>& write) {
  const fs::path parent = folder_of(folder);
  const fs::path temporary = parent / (folder.filename().string() + ".tmp");
  make_fresh_folder(temporary);
  try {
    write(temporary);
    sync_tree(temporary);
    if (existing == Existing::kReplace) fs::remove_all(folder);
    fs::rename(temporary, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync_path(parent);
}

}  // namespace mvn
