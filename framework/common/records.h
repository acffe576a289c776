// The records of a spool, each a type whose fields say how it is written and read:
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
// `time` is milliseconds since 1970 UTC. Programs of the user's write them, too: a whole number may
// stand as 10.0, null is a NaN, and true a 1. A field that is not optional must be there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/json.h"

namespace mvn {

using Numbers = std::map<std::string, double>;

struct StartRecord {
  static constexpr std::string_view kType = "start";
  std::optional<std::int64_t> pid;
  std::optional<std::string> host;
  std::optional<std::int64_t> resumed_step;
  static void fields(auto& self, const auto& field) {
    field("pid", self.pid);
    field("host", self.host);
    field("resumed_step", self.resumed_step);
  }
};

struct MetricRecord {
  static constexpr std::string_view kType = "metric";
  std::int64_t step = 0;
  Numbers values;
  static void fields(auto& self, const auto& field) {
    field("step", self.step);
    field("values", self.values);
  }
};

struct ProgressRecord {
  static constexpr std::string_view kType = "progress";
  std::int64_t step = 0;
  std::optional<std::int64_t> steps;
  static void fields(auto& self, const auto& field) {
    field("step", self.step);
    field("steps", self.steps);
  }
};

struct ParamRecord {
  static constexpr std::string_view kType = "param";
  Json values;
  static void fields(auto& self, const auto& field) { field("values", self.values); }
};

struct EnvironmentRecord {
  static constexpr std::string_view kType = "environment";
  Json values;
  static void fields(auto& self, const auto& field) { field("values", self.values); }
};

struct CostRecord {
  static constexpr std::string_view kType = "cost";
  Numbers values;  // all finite
  static void fields(auto& self, const auto& field) { field("values", self.values); }
};

struct ArtifactRecord {
  static constexpr std::string_view kType = "artifact";
  std::string kind;
  std::string path;
  std::optional<std::int64_t> step;
  std::optional<std::int64_t> bytes;
  static void fields(auto& self, const auto& field) {
    field("kind", self.kind);
    field("path", self.path);
    field("step", self.step);
    field("bytes", self.bytes);
  }
};

struct EndRecord {
  static constexpr std::string_view kType = "end";
  int code = 0;  // what a process can end with
  std::optional<std::string> message;
  static void fields(auto& self, const auto& field) {
    field("code", self.code);
    field("message", self.message);
  }
};

struct EventRecord {
  static constexpr std::string_view kType = "event";
  std::optional<std::string> level;
  std::optional<std::string> message;
  static void fields(auto& self, const auto& field) {
    field("level", self.level);
    field("message", self.message);
  }
};

using RecordContent =
    std::variant<std::monostate, StartRecord, MetricRecord, ProgressRecord, ParamRecord,
                 EnvironmentRecord, CostRecord, ArtifactRecord, EndRecord, EventRecord>;

struct Record {
  std::int64_t time = 0;  // now, where the record does not say
  RecordContent content;  // none where the type is not known, or a field is not there or wrong
  // What of it could not be read, at the levels "damaged" and "unknown": the rest counts.
  std::vector<EventRecord> problems;

  // The content where it is of this type, or null.
  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&content);
  }
};

// Reads an object that has a text "type"; nothing else that it holds is an error.
Record read_record(const Json& json);

// Without a time.
Json to_json(const RecordContent& content);

// Milliseconds since 1970 UTC.
std::int64_t now_ms();

// The whole number of `value`, also where a program writes 10 as 10.0. Nothing where it is another
// thing, or more than 64 bits with a sign hold.
std::optional<std::int64_t> whole_number(const Json& value);

}  // namespace mvn
