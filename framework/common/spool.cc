#include "common/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/disk_full.h"
#include "common/input_file.h"
#include "mvn/error.h"

namespace mvn {
namespace {

// Python's json.dumps writes NaN, Infinity and -Infinity bare, which JSON does not have: quotes
// those that stand outside of texts.
std::string quote_special_numbers(std::string_view line) {
  std::string quoted;
  bool in_text = false;
  while (!line.empty()) {
    std::size_t taken = in_text && line.front() == '\\' && line.size() > 1 ? 2 : 1;
    bool special = false;
    for (const std::string_view name : {"NaN", "Infinity", "-Infinity"}) {
      if (in_text || !line.starts_with(name)) continue;
      taken = name.size();
      special = true;
    }
    if (line.front() == '"') in_text = !in_text;
    if (special) quoted += '"';
    quoted += line.substr(0, taken);
    if (special) quoted += '"';
    line.remove_prefix(taken);
  }
  return quoted;
}

Json parse_line(const std::string& line) {
  Json record = try_parse_json(line);
  if (!record.is_discarded()) return record;
  return try_parse_json(quote_special_numbers(line));
}

// The lines of a file, each held only as far as a record may go.
class Lines {
 public:
  Lines(const InputFile& in, std::uint64_t offset) : in_(in), offset_(offset), read_(offset) {}

  // Whether there is another line that ends, or is too long for a record whatever follows.
  bool next() {
    line_.clear();
    std::uint64_t length = 0;
    bool ended = false;
    while (!ended && fill()) {
      const std::string_view rest(block_.data() + at_, size_ - at_);
      const auto part = rest.substr(0, rest.find('\n'));
      ended = part.size() < rest.size();
      line_ += part.substr(0, kLongestRecord - line_.size());
      length += part.size();
      at_ += part.size() + (ended ? 1 : 0);
    }
    too_long_ = length > kLongestRecord;
    // Without an end the writer is in the middle of it, or died there.
    if (!ended && !too_long_) return false;
    offset_ += length + (ended ? 1 : 0);
    return true;
  }

  [[nodiscard]] const std::string& line() const { return line_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }
  // Behind the line.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  bool fill() {
    if (at_ < size_) return true;
    at_ = 0;
    size_ = in_.read_at(read_, block_.data(), block_.size());
    read_ += size_;
    return size_ > 0;
  }

  const InputFile& in_;
  std::uint64_t offset_;
  std::uint64_t read_;  // behind the block
  std::array<char, 1U << 16> block_{};
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  std::string line_;
  bool too_long_ = false;
};

// Whether a read from here begins within a line, which then was too long.
bool is_within_line(const InputFile& in, std::uint64_t offset) {
  char before = '\n';
  return offset > 0 && in.read_at(offset - 1, &before, 1) == 1 && before != '\n';
}

// Cuts the part of a record off that was written before the disk was full: what is appended next
// stands on a line of its own.
void take_back(int descriptor, std::size_t bytes) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  if (bytes == 0 || size < static_cast<off_t>(bytes)) return;
  // Where this fails, too, a damaged line is left, which is skipped.
  static_cast<void>(::ftruncate(descriptor, size - static_cast<off_t>(bytes)) == 0);
}

}  // namespace

SpoolWriter::SpoolWriter(const std::filesystem::path& path) : path_(path) {
  make_folders(path.parent_path());
  // Not through a link that somebody laid there.
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw_file_error(path, "open", errno);
  const off_t size = ::lseek(descriptor_, 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(descriptor_, &last, 1, size - 1) == 1 && last != '\n') {
    // A writer died in the middle of a record: end its line so that ours stands alone.
    if (::write(descriptor_, "\n", 1) != 1) {
      const int error = errno;
      ::close(descriptor_);
      throw_file_error(path, "write", error);
    }
  }
}

SpoolWriter::~SpoolWriter() { ::close(descriptor_); }

void SpoolWriter::append(Json record) {
  record["time"] = now_ms();
  // Messages can quote any bytes of the user's files: replace what is not UTF-8.
  const std::string line = record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      take_back(descriptor_, line.size() - rest.size());
      throw_file_error(path_, "write", error);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void SpoolWriter::sync() { ::fdatasync(descriptor_); }

SpoolBatch read_spool(const std::filesystem::path& path, std::uint64_t offset,
                      std::size_t max_bytes) {
  SpoolBatch batch;
  batch.end_offset = offset;
  std::error_code none;
  if (!std::filesystem::exists(path, none) && !none) return batch;
  const InputFile in(path);
  bool skip = is_within_line(in, offset);
  Lines lines(in, offset);
  while (batch.end_offset - offset < max_bytes && lines.next()) {
    batch.end_offset = lines.offset();
    if (std::exchange(skip, false) || lines.line().empty()) continue;
    Json record = lines.is_too_long() ? Json() : parse_line(lines.line());
    if (record.is_object() && record.contains("type") && record["type"].is_string()) {
      batch.records.push_back(std::move(record));
    } else {
      batch.damaged.push_back(lines.line().substr(0, 200));
    }
  }
  return batch;
}

}  // namespace mvn
