// Who is at work in a results folder: one runner at a time holds it, says what it does, and can be
// asked from another terminal.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/files.h"
#include "orchestrate/process/course.h"

namespace mvn {

// Held until destroyed or the process ends, however that happens.
class ResultsLock {
 public:
  // Throws Error that says who holds it.
  explicit ResultsLock(const std::filesystem::path& results);

  // Lets others know what this runner does; `started` is milliseconds since 1970 UTC.
  void announce(const std::string& sweep, Course course, std::int64_t started) const;

  // What somebody on another machine has asked this runner for since the last call (see
  // leave_request()), which is then done with.
  [[nodiscard]] std::optional<Course> take_request() const;

 private:
  std::filesystem::path results_;
  FileLock lock_;
};

// The runner that was last at work in a results folder, as its lock file tells.
struct LastRunner {
  pid_t pid = 0;
  std::string host;
  std::string since;   // when it came, local time
  std::string sweep;   // "" where it runs none (yet)
  std::string course;  // as Course is spelled
  std::int64_t started = 0;
  bool here = true;   // on this machine
  bool alive = true;  // nobody knows of another machine's: true

  // "process 4711 on alpha, since 2026-01-31 12:00:00"
  [[nodiscard]] std::string text() const;
};

// Nothing where no runner ever was. A file that only says so makes no runner alive: that takes the
// process of this number to hold the lock. Throws Error where the file is a symbolic link: it would
// speak of another folder's runner.
std::optional<LastRunner> last_runner(const std::filesystem::path& results);

// Asks a runner that no signal reaches, on another node of a cluster say: in a file beside the
// lock, which names the runner, so that none that comes later takes it for its own. The runner
// looks once a second, and takes the file away.
void leave_request(const std::filesystem::path& results, const LastRunner& runner, Course course);
// Whether a request still lies there.
bool has_request(const std::filesystem::path& results);

}  // namespace mvn
