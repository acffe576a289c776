#include "common/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
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

void write_all(int descriptor, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int reason = errno;
      ::close(descriptor);
      errno = reason;
      fail(path, "write");
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
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
  if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "mvn-runner";
  const auto home = variable("HOME");
  return home.empty() ? home : home / ".cache" / "mvn-runner";
}

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(path, "open");
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return std::nullopt;
  }
  const std::string owner =
      std::to_string(::getpid()) + " " + host_name() + " " + local_time() + "\n";
  if (::ftruncate(descriptor, 0) != 0) fail(path, "truncate");
  write_all(descriptor, owner, path);
  return FileLock(descriptor);
}

std::string FileLock::holder(const std::filesystem::path& path) {
  std::istringstream in(read_file(path));
  std::string pid;
  std::string host;
  std::string since;
  in >> pid >> host;
  std::getline(in >> std::ws, since);
  return "process " + pid + " on " + host + (since.empty() ? "" : ", since " + since);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace mvn
