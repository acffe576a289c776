#include "orchestrate/hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/disk_full.h"
#include "common/files.h"
#include "mvn/error.h"

namespace mvn {

PartialFile::PartialFile(std::filesystem::path path, const HubFile& wanted)
    : path_(std::move(path)), wanted_(wanted) {
  make_folders(path_.parent_path());
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) throw_file_error(path_, "open", errno);
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw_file_error(path_, "read", errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink > 1) {
    ::close(descriptor_);
    throw Error(path_.string() + ": is no file of its own; remove it");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  if (size_ > wanted_.size) clear();
  hash_anew();
}

PartialFile::~PartialFile() {
  hash_.reset();  // reads what is closed here
  ::close(descriptor_);
}

void PartialFile::hash_anew() {
  hash_.reset();
  hash_ = std::make_unique<HashBehind>(path_, descriptor_, wanted_);
  hash_->advance(size_);
}

bool PartialFile::append(std::string_view bytes) {
  if (bytes.size() > wanted_.size - size_) return false;
  while (!bytes.empty()) {
    const auto written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    // A limit on the size of files is the user's disk being full.
    if (written < 0 && errno == EFBIG) throw_file_error(path_, "write", ENOSPC);
    if (written < 0) throw_file_error(path_, "write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  hash_->advance(size_);
  return true;
}

void PartialFile::clear() {
  hash_.reset();
  if (::ftruncate(descriptor_, 0) != 0) throw_file_error(path_, "write", errno);
  size_ = 0;
  hash_anew();
}

void PartialFile::settle() { hash_->end(); }

bool PartialFile::is_settled() const { return hash_->ready(); }

std::string PartialFile::finish(const std::filesystem::path& target) {
  auto hash = hash_->hash();
  if (hash != wanted_.hash) {
    clear();
    return hash;
  }
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    throw_file_error(target, "rename into place", errno);
  }
  sync_path(target.parent_path());
  return "";
}

}  // namespace mvn
