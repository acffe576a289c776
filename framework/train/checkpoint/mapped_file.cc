#include "train/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "common/disk_full.h"
#include "common/files.h"
#include "common/lfs_pointer.h"
#include "mvn/error.h"

namespace mvn {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const char* action) {
    throw Error(path.string() + ": cannot " + action + ": " + std::strerror(errno));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("open");
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::size_t>(status.st_size);
  } else {
    ::close(descriptor);
    throw Error(path.string() + ": is not a regular file");
  }
  if (size_ > 0) {
    data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  }
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (data_ == MAP_FAILED) fail("map");
  refuse_pointer(path);
}

// A constructor that throws is followed by no destructor.
void MappedFile::refuse_pointer(const std::filesystem::path& path) {
  try {
    refuse_lfs_pointer(path, view());
  } catch (...) {
    ::munmap(data_, size_);
    throw;
  }
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(data_, size_);
}

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path), temporary_(path) {
  if (path.has_parent_path()) make_folders(path.parent_path());
  temporary_ += ".tmp" + std::to_string(::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
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
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename");
  ::close(descriptor_);
  descriptor_ = -1;
  sync_path(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
}

void AtomicFile::fail(const char* action) const { throw_file_error(path_, action, errno); }

}  // namespace mvn
