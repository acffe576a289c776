// The spool: what a trial reports, one JSON object of common/records.h a line, appended by one
// process to one file. The runner's journal is of the same form.
//
// A record counts once its line end is there: a torn last line is ignored, and a line that is no
// record (or nests more than kMaxJsonDepth deep, or is longer than kLongestRecord) is reported and
// skipped. Bare NaN, Infinity and -Infinity, as Python's json writes them, are read as the texts
// "NaN", "Infinity" and "-Infinity".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/records.h"

namespace mvn {

inline constexpr std::size_t kLongestRecord = 1U << 20;  // bytes

// Appends records. Not thread-safe; every append is one write(2), so a reader never sees a part
// of two records mixed.
class SpoolWriter {
 public:
  // Creates the file and its folder; an existing file is continued on a fresh line.
  explicit SpoolWriter(const std::filesystem::path& path);
  SpoolWriter(const SpoolWriter&) = delete;
  SpoolWriter& operator=(const SpoolWriter&) = delete;
  ~SpoolWriter();

  void write(const RecordContent& record) { append(to_json(record)); }
  // Appends a record of a kind that only this file has; "time" is added.
  void append(Json record);
  // Makes what was appended durable.
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// What SpoolReader found.
struct SpoolBatch {
  std::vector<Json> records;
  std::vector<std::string> damaged;  // lines that are no records, cut to 200 characters
  std::uint64_t end_offset = 0;      // where the next read starts
};

// The complete records of `path` from byte `offset` on, at most `max_bytes` of them (but at least
// one line). A file that does not exist yet has none. Of a line that is too long no more than that
// is held: `end_offset` may lie within it, and the next read skips what is left of it.
SpoolBatch read_spool(const std::filesystem::path& path, std::uint64_t offset,
                      std::size_t max_bytes = 8U << 20);

}  // namespace mvn
