#include "train/trainer/vector_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/disk_full.h"
#include "common/files.h"
#include "common/json.h"
#include "mvn/error.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

// numpy.lib.format, version 1.0: the text is padded so that the numbers begin at a multiple of 64.
std::string npy_header(std::int64_t rows, std::int64_t columns) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kBefore = 10;  // magic, version, length of the text
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) +
                     ", " + std::to_string(columns) + "), }";
  text.append(kAlignment - (kBefore + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string header = "\x93NUMPY";
  header += '\1';
  header += '\0';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

std::string safetensors_header(std::int64_t rows, std::int64_t columns) {
  Json entry = {{"dtype", "F32"}, {"shape", {rows, columns}}};
  entry["data_offsets"] = {0, rows * columns * std::int64_t{sizeof(float)}};
  std::string text =
      Json{{"__metadata__", {{"format", "pt"}}}, {"embeddings", std::move(entry)}}.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string header;
  for (int byte = 0; byte < 8; ++byte)
    header += static_cast<char>(text.size() >> (8 * byte) & 0xff);
  return header + text;
}

fs::path with_ending(fs::path path, const char* ending) {
  path += ending;
  return path;
}

}  // namespace

void check_vector_file(const fs::path& output) {
  if (output.extension() != ".npy" && output.extension() != ".safetensors") {
    throw ConfigError("--output",
                      "ends in .npy or .safetensors, which '" + output.string() + "' does not");
  }
  if (fs::exists(output)) {
    throw ConfigError("--output", output.string() + " exists; remove it or name another file");
  }
}

VectorFile::VectorFile(const fs::path& output, std::int64_t rows, std::int64_t columns,
                       std::string identity)
    : output_(output),
      part_(with_ending(output, ".part")),
      identity_(std::move(identity)),
      rows_(rows),
      columns_(columns) {
  check_vector_file(output);
  header_ =
      output.extension() == ".npy" ? npy_header(rows, columns) : safetensors_header(rows, columns);
  if (output.has_parent_path()) make_folders(output.parent_path());
  open_part();
}

VectorFile::~VectorFile() {
  ::close(descriptor_);
  std::error_code ignored;
  if (saved_ == 0) fs::remove(part_, ignored);  // nobody could go on with it
}

fs::path VectorFile::state_file() const { return with_ending(part_, ".json"); }

void VectorFile::open_part() {
  if (fs::exists(state_file()) && fs::exists(part_)) {
    const Json state = try_parse_json(read_file(state_file()));
    if (state.is_object() && state.value("identity", "") == identity_) {
      saved_ = state.value("saved", std::int64_t{0});
    }
  }
  // What is left of another identity must not be taken for this one's, whenever this is killed.
  if (saved_ == 0) fs::remove(state_file());
  descriptor_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_file_error(part_, "write", errno);
  const auto size =
      static_cast<off_t>(header_.size()) + rows_ * columns_ * static_cast<off_t>(sizeof(float));
  // The room is taken now: a disk that is too small says so before anything is computed.
  const int refused = ::posix_fallocate(descriptor_, 0, size);
  if (refused != 0 && refused != EOPNOTSUPP && refused != EINVAL) {
    throw_file_error(part_, "write", refused);
  }
  if (::ftruncate(descriptor_, size) != 0) throw_file_error(part_, "write", errno);
  write_at(0, header_.data(), header_.size());
}

void VectorFile::write_row(std::int64_t row, std::span<const float> values) {
  const auto size = values.size_bytes();
  write_at(static_cast<std::int64_t>(header_.size()) + row * static_cast<std::int64_t>(size),
           values.data(), size);
}

void VectorFile::write_at(std::int64_t offset, const void* bytes, std::size_t size) const {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t count = ::pwrite(descriptor_, from, size, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_file_error(part_, "write", errno);
    from += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
}

void VectorFile::save(std::int64_t count) {
  if (::fdatasync(descriptor_) != 0) throw_file_error(part_, "write", errno);
  write_file_atomically(state_file(),
                        Json{{"identity", identity_}, {"saved", count}}.dump() + "\n");
  saved_ = count;
}

void VectorFile::finish() {
  if (::fsync(descriptor_) != 0) throw_file_error(part_, "write", errno);
  fs::rename(part_, output_);
  sync_path(output_.has_parent_path() ? output_.parent_path() : fs::path("."));
  fs::remove(state_file());
}

}  // namespace mvn
