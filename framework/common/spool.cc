#include "common/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>

#include "common/disk_full.h"
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

Json parse_record(const std::string& line) {
  Json record = try_parse_json(line);
  if (!record.is_discarded()) return record;
  return try_parse_json(quote_special_numbers(line));
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

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SpoolWriter::SpoolWriter(const std::filesystem::path& path) : path_(path) {
  make_folders(path.parent_path());
  // Not through a link that somebody laid there.
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
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

void SpoolWriter::metrics(std::int64_t step, const std::map<std::string, double>& values) {
  Json numbers = Json::object();
  for (const auto& [name, value] : values) numbers[name] = number_to_json(value);
  append({{"type", "metric"}, {"step", step}, {"values", std::move(numbers)}});
}

void SpoolWriter::progress(std::int64_t step, std::int64_t steps) {
  append({{"type", "progress"}, {"step", step}, {"steps", steps}});
}

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
  std::ifstream in(path, std::ios::binary);
  if (!in) return batch;
  in.seekg(static_cast<std::streamoff>(offset));
  std::string line;
  while (batch.end_offset - offset < max_bytes && std::getline(in, line)) {
    if (in.eof()) break;  // no line end yet: the writer is in the middle of it, or died there
    batch.end_offset += line.size() + 1;
    if (line.empty()) continue;
    Json record = parse_record(line);
    if (record.is_object() && record.contains("type") && record["type"].is_string()) {
      batch.records.push_back(std::move(record));
    } else {
      batch.damaged.push_back(line.substr(0, 200));
    }
  }
  return batch;
}

}  // namespace mvn
