#include "orchestrate/launch/results_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <sstream>

#include "mvn/error.h"
#include "orchestrate/launch/labels.h"
#include "orchestrate/launch/pipe.h"

namespace mvn {
namespace {

namespace fs = std::filesystem;

fs::path lock_file(const fs::path& results) { return results / "runner.lock"; }

FileLock take(const fs::path& results) {
  auto lock = FileLock::try_lock(lock_file(results));
  if (lock) return std::move(*lock);
  throw Error(path_text(results) + " is in use by another mvn-runner, " +
              FileLock::holder(lock_file(results)) +
              ": wait for it to end, stop it, or choose another folder with --results");
}

std::string first_line(const fs::path& file) {
  const auto text = read_file(file);
  return text.substr(0, text.find('\n'));
}

// Whether a process of this number has the file open: the number may be another program's by now.
// Of other users' processes only the name can be seen.
bool holds(pid_t pid, const fs::path& file) {
  const fs::path process = "/proc/" + std::to_string(pid);
  std::error_code error;
  const auto wanted = fs::canonical(file, error);
  for (const auto& entry : fs::directory_iterator(process / "fd", error)) {
    std::error_code ignored;
    if (fs::read_symlink(entry.path(), ignored) == wanted) return true;
  }
  if (error != std::errc::permission_denied) return false;
  return read_file(process / "comm").starts_with("mvn-runner");
}

}  // namespace

ResultsLock::ResultsLock(const fs::path& results)
    : results_(results), lock_(take(results)), owner_(first_line(lock_file(results))) {}

void ResultsLock::announce(const std::string& sweep, Course course, std::int64_t started) const {
  const std::string text = owner_ + "\n" + sweep + " " + std::string(to_string(course)) + " " +
                           std::to_string(started) + "\n";
  // In place: another file of this name would be one that nobody holds. It is for readers alone, so
  // that a full disk costs no more than what they see.
  const Descriptor file(::open(lock_file(results_).c_str(), O_WRONLY | O_CLOEXEC));
  const ssize_t written = ::pwrite(file.get(), text.data(), text.size(), 0);
  if (written < 0 || ::ftruncate(file.get(), written) != 0) return;
}

std::string LastRunner::text() const {
  return "process " + std::to_string(pid) + " on " + host +
         (since.empty() ? "" : ", since " + since);
}

std::optional<LastRunner> last_runner(const fs::path& results) {
  const auto file = lock_file(results);
  if (!fs::exists(file)) return std::nullopt;
  LastRunner runner;
  std::istringstream text(read_file(file));
  text >> runner.pid >> runner.host;
  std::getline(text, runner.since);
  runner.since.erase(0, runner.since.find_first_not_of(' '));
  text >> runner.sweep >> runner.course >> runner.started;
  if (runner.host.empty()) return std::nullopt;
  runner.here = runner.host == host_name();
  if (runner.here) runner.alive = holds(runner.pid, file);
  return runner;
}

}  // namespace mvn
