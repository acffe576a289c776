#include "common/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "common/atomic_file.h"
#include "common/disk_full.h"
#include "common/input_file.h"
#include "mvn/error.h"

namespace mvn {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  throw_file_error(path, action, errno);
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

}  // namespace

std::string read_file(const std::filesystem::path& path) { return InputFile(path).read_all(); }

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void replace_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit_unsynced();
}

bool is_file(const std::filesystem::path& path) {
  std::error_code unreadable;
  return std::filesystem::is_regular_file(path, unreadable);
}

void sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "open");
  const int result = ::fsync(descriptor);
  ::close(descriptor);
  // Some file systems refuse to sync a folder; the rename is then as durable as they make it.
  if (result != 0 && errno != EINVAL) fail(path, "sync");
}

std::filesystem::path executable_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::string host_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  // A relative one would be another folder in every working directory.
  if (const auto xdg = variable("XDG_CACHE_HOME"); xdg.is_absolute()) return xdg / "mvn-runner";
  const auto home = variable("HOME");
  return home.is_absolute() ? home / ".cache" / "mvn-runner" : std::filesystem::path();
}

int open_own_file(const std::filesystem::path& path, int flags) {
  // Not to wait for whoever reads a pipe.
  const int descriptor =
      ::open(path.c_str(), flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == ELOOP) {
    throw Error(path.string() + ": is a symbolic link, which is not written through; remove it");
  }
  if (descriptor < 0) fail(path, "open");
  struct stat info {};
  const bool known = ::fstat(descriptor, &info) == 0;
  const bool own = ::geteuid() == 0 || info.st_uid == ::geteuid();
  if (known && S_ISREG(info.st_mode) && info.st_nlink <= 1 && own) {
    ::fcntl(descriptor, F_SETFL, flags & O_APPEND);
    return descriptor;
  }
  ::close(descriptor);
  throw Error(path.string() +
              (!S_ISREG(info.st_mode) ? ": is no regular file"
               : own                  ? ": has another name, too (a hard link)"
                                      : ": belongs to another user") +
              "; remove it");
}

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const int descriptor = open_own_file(path, O_RDWR);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return std::nullopt;
  }
  // Whoever may read a file may lock it, too.
  ::fchmod(descriptor, 0600);
  FileLock lock(descriptor, std::to_string(::getpid()) + " " + host_name() + " " + local_time());
  if (::ftruncate(descriptor, 0) != 0) fail(path, "truncate");
  lock.say("");
  return lock;
}

void FileLock::say(const std::string& text) const {
  // In place: another file of this name would be one that nobody holds.
  const std::string whole = owner_ + "\n" + text;
  const ssize_t written = ::pwrite(descriptor_, whole.data(), whole.size(), 0);
  if (written >= 0 && ::ftruncate(descriptor_, written) != 0) return;
}

FileLock::FileLock(FileLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), owner_(std::move(other.owner_)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(owner_, other.owner_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace mvn
