// The spool: what a trial reports, one JSON object a line, appended by one process to one file.
//
//   {"type":"start","time":T,"pid":P,"host":"...","resumed_step":0}
//   {"type":"metric","time":T,"step":10,"values":{"train/loss":0.5,"eval/accuracy":"NaN"}}
//   {"type":"progress","time":T,"step":10,"steps":200}
//   {"type":"param","time":T,"values":{"optimizer.lr":0.0006}}         what the trial itself chose
//   {"type":"environment","time":T,"values":{"cpu":"...","torch":"2.11.0"}}
//   {"type":"cost","time":T,"values":{"seconds":1.5,"tokens":4096}}      added up over records and
//       attempts; of the names that begin with "peak_" the maximum counts
//   {"type":"artifact","time":T,"kind":"model","path":"...","step":200,"bytes":12345}
//   {"type":"event","time":T,"level":"warning","message":"..."}
//   {"type":"end","time":T,"code":0,"message":""}
//
// `time` is milliseconds since 1970 UTC. A record counts once its line end is there: a torn last
// line is ignored, and a line that is no record (or nests more than kMaxJsonDepth deep, or is
// longer than kLongestRecord) is reported and skipped. Bare NaN, Infinity and -Infinity, as
// Python's json writes them, are read as the texts above.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"

namespace mvn {

inline constexpr std::size_t kLongestRecord = 1U << 20;  // bytes

std::int64_t now_ms();

// The whole number of `value`, also where a program writes 10 as 10.0. Nothing where it is another
// thing, or more than 64 bits with a sign hold.
std::optional<std::int64_t> whole_number(const Json& value);

// Appends records. Not thread-safe; every append is one write(2), so a reader never sees a part
// of two records mixed.
class SpoolWriter {
 public:
  // Creates the file and its folder; an existing file is continued on a fresh line.
  explicit SpoolWriter(const std::filesystem::path& path);
  SpoolWriter(const SpoolWriter&) = delete;
  SpoolWriter& operator=(const SpoolWriter&) = delete;
  ~SpoolWriter();

  void metrics(std::int64_t step, const std::map<std::string, double>& values);
  void progress(std::int64_t step, std::int64_t steps);
  // Any other record: "time" is added.
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
