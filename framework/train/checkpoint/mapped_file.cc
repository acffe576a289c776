#include "train/checkpoint/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>

#include "common/disk_full.h"
#include "common/lfs_pointer.h"

namespace mvn {

MappedFile::MappedFile(const InputFile& file) : size_(file.size()) {
  if (size_ == 0) return;
  data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor(), 0);
  if (data_ == MAP_FAILED) throw_file_error(file.path(), "map", errno);
  refuse_pointer(file.path());
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

}  // namespace mvn
