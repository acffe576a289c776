#include "common/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>

#include "common/disk_full.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// What the system makes up while it is read (/proc) says that it has no bytes; more than this is
// none of the small texts that are meant.
constexpr std::size_t kLongestOfNoSize = 1 << 20;

}  // namespace

InputFile::InputFile(const std::filesystem::path& path)
    // Without O_NONBLOCK the opening of a pipe waits for whoever writes to it.
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw_file_error(path, "read", errno);
  struct stat status {};
  const int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    const auto user = ::geteuid();
    is_own_ = status.st_nlink <= 1 && (user == 0 || status.st_uid == user);
    return;
  }
  ::close(descriptor_);
  if (error != 0) throw_file_error(path, "read", error);
  throw Error(path.string() +
              (S_ISDIR(status.st_mode) ? ": is a folder, not a file" : ": is not a regular file"));
}

InputFile::~InputFile() { ::close(descriptor_); }

std::size_t InputFile::read_at(std::uint64_t offset, char* buffer, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t taken =
        ::pread(descriptor_, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) throw_file_error(path_, "read", errno);
    if (taken == 0) break;
    done += static_cast<std::size_t>(taken);
  }
  return done;
}

std::string InputFile::read_all() const {
  std::string content;
  try {
    content.resize(size_ > 0 ? size_ : kLongestOfNoSize + 1);
    const std::size_t taken = read_at(0, content.data(), content.size());
    if (taken < size_) throw Error(path_.string() + ": became shorter while it was read");
    if (taken > std::max<std::uint64_t>(size_, kLongestOfNoSize)) {
      throw Error(path_.string() + ": does not say how long it is");
    }
    content.resize(taken);
    content.shrink_to_fit();
  } catch (const std::bad_alloc&) {
    throw Error(path_.string() + ": cannot read: out of memory for its " + std::to_string(size_) +
                " bytes");
  } catch (const std::length_error&) {
    throw Error(path_.string() + ": cannot read: no memory holds its " + std::to_string(size_) +
                " bytes");
  }
  return content;
}

std::string end_of_file(const std::filesystem::path& file, std::uint64_t most) {
  try {
    const InputFile in(file);
    std::string text(std::min(in.size(), most), '\0');
    text.resize(in.read_at(in.size() - text.size(), text.data(), text.size()));
    return text;
  } catch (const Error&) {
    return "";
  }
}

}  // namespace mvn
