// The page's data over a database that grows: what changed since somebody last asked. Private to
// the page.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "common/json.h"
#include "orchestrate/page/page_data.h"
#include "orchestrate/store/database.h"

namespace mvn {

// Says whether other programs wrote to a database, without reading it.
class DatabaseWatch {
 public:
  explicit DatabaseWatch(std::filesystem::path path) : path_(std::move(path)) {}

  struct Seen {
    std::int64_t version = 0;  // another one after every write
    std::int64_t file = 0;     // another one where the file was replaced (collect --rebuild)
    bool operator==(const Seen&) const = default;
  };
  // Throws Error where there is no database.
  Seen look();

 private:
  std::filesystem::path path_;
  std::unique_ptr<Database> db_;
  std::int64_t file_ = 0;
};

// A sweep's sections and curves, each with the number of the look at which it last changed.
class LiveSweep {
 public:
  LiveSweep(std::filesystem::path database, PageRequest request);

  // {"now": n, "sections": {what changed after the look `since`; null: it is gone}}
  Json changes(const DatabaseWatch::Seen& seen, std::int64_t since);
  // {"now": n, "curves": [...], "left_out": {}}
  Json curves(const DatabaseWatch::Seen& seen, const std::string& metric, std::int64_t since);
  Json trial(const DatabaseWatch::Seen& seen, const std::string& id);

 private:
  struct Part {
    Json json;
    std::int64_t changed = 0;
  };
  using Parts = std::map<std::string, Part>;

  void follow(const DatabaseWatch::Seen& seen);
  void take(Parts& parts, const std::string& name, const Json& json) const;

  std::filesystem::path database_;
  PageRequest request_;
  std::unique_ptr<PageData> data_;
  DatabaseWatch::Seen seen_;
  std::int64_t now_ = 0;
  // A large sweep that changes all the time is not read all the time.
  std::chrono::steady_clock::time_point not_before_;
  Parts sections_;
  struct MetricCurves {
    std::int64_t read_at = -1;
    Json left_out;
    Parts parts;
  };
  std::map<std::string, MetricCurves> curves_;
};

}  // namespace mvn
