// The files of repositories into the cache, several at a time. A file that was cut off goes on
// where it stopped, in this process or the next; it gets its name when it is whole and what its
// hash says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrate/hub/cache.h"
#include "orchestrate/hub/http.h"
#include "orchestrate/hub/listing.h"
#include "orchestrate/hub/settings.h"

namespace mvn {

// A file to bring; the reference's revision is a commit.
struct HubDownload {
  HubReference repository;
  HubFile file;
};

struct HubProgress {
  std::size_t files = 0;
  std::size_t files_done = 0;
  std::uint64_t bytes = 0;       // of all of them
  std::uint64_t bytes_done = 0;  // that are there
  std::uint64_t received = 0;    // since the start
  std::string current = {};      // the file that most is left of
};

// Who is told how it goes.
class HubView {
 public:
  virtual ~HubView() = default;
  virtual void begin(const HubProgress& progress) = 0;
  virtual void update(const HubProgress& progress) = 0;
  // A line: another try, another process that is waited for.
  virtual void note(const std::string& line) = 0;
  virtual void end(const HubProgress& progress) = 0;
};

struct DownloadContext {
  const HubSettings& settings;
  const HubCache& cache;
  HttpEngine& engine;
  HubView& view;
  std::function<bool()> should_stop;  // looked at several times a second
};

// False where it was told to stop: what came is kept. Throws Error, ConfigError for what the hub
// refuses, DataError for a file that is not what it should be, DiskFull.
bool download(const DownloadContext& context, const std::vector<HubDownload>& wanted);

// ENDPOINT/datasets/ID/resolve/COMMIT/FILE
std::string file_url(const HubSettings& settings, const HubDownload& download);
// What a text is within an address; with `slashes` these stay.
std::string url_text(const std::string& text, bool slashes);

}  // namespace mvn
